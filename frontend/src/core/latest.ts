// Newest wins: a new question drops the one before it.

/** Gives each question a signal that is aborted by the next question, or with the whole view. */
export class Latest {
  private current: AbortController | null = null;

  constructor(private readonly outer: AbortSignal) {
    outer.addEventListener("abort", () => this.drop(), { once: true });
  }

  /** The signal of a new question; the one before it is dropped. */
  next(): AbortSignal {
    this.drop();
    this.current = new AbortController();
    if (this.outer.aborted) this.current.abort();
    return this.current.signal;
  }

  drop(): void {
    this.current?.abort();
    this.current = null;
  }
}
