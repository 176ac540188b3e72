// Work put off until the screen is drawn anew, so that the page is laid out once a frame, whatever has come meanwhile.

const waiting = new Set<() => void>();
let frame = 0;

function run(): void {
  try {
    for (const work of waiting) {
      waiting.delete(work);
      work();
    }
  } finally {
    frame = 0;
  }
}

/** Do `work` before the next frame, once. What it asks for in turn is done in the same frame. */
export function beforeFrame(work: () => void): void {
  waiting.add(work);
  frame ||= requestAnimationFrame(run);
}

export function notBeforeFrame(work: () => void): void {
  waiting.delete(work);
}
