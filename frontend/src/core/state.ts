// What is shown, as an address: #/flashlight?model=espcn_x2&image=espresso&side=128&at=1,40,62

/** A view and its values, as an address says them. */
export interface Place {
  /** Empty where the address names none. */
  view: string;
  values: Record<string, string>;
}

/** The keys that every view has; the others are the view's own. */
export const SHELL_KEYS = ["model", "image", "side"] as const;

/** What a hash says; where it is not one of ours, a view of that name, which there is not. Of a key said twice the first counts. */
export function parse(hash: string): Place {
  const said = /^#\/([^?]*)(?:\?(.*))?$/s.exec(hash);
  const values: Record<string, string> = {};
  if (!said) return { view: decoded(hash.replace(/^#/, "")), values };
  for (const [key, value] of new URLSearchParams(said[2] ?? "")) {
    if (key && !Object.hasOwn(values, key)) values[key] = value;
  }
  return { view: decoded(said[1]!), values };
}

/** The hash of a place: the shell's keys first, then the others in their order. */
export function write(place: Place): string {
  const keys = Object.keys(place.values);
  const shell: readonly string[] = SHELL_KEYS;
  const order = [...shell.filter((key) => keys.includes(key)), ...keys.filter((key) => !shell.includes(key))];
  const query = order.map((key) => `${encoded(key)}=${encoded(place.values[key]!)}`).join("&");
  return `#/${encoded(place.view)}${query ? `?${query}` : ""}`;
}

export function same(a: Place, b: Place): boolean {
  return write(a) === write(b);
}

/** Values with some replaced; null removes one. */
export function changed(values: Record<string, string>, by: Record<string, string | null>): Record<string, string> {
  const next = { ...values };
  for (const [key, value] of Object.entries(by)) {
    if (value === null) delete next[key];
    else next[key] = value;
  }
  return next;
}

// Commas, colons and slashes stand in an address as they are: at=1,40,62 and model=timm:resnet18.
function encoded(text: string): string {
  return encodeURIComponent(text).replace(/%(2C|3A|2F|40)/g, (code) => decodeURIComponent(code));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What of a window the address needs. */
export interface Bar {
  location: { hash: string };
  history: { replaceState(data: unknown, unused: string, url: string): void; pushState(data: unknown, unused: string, url: string): void };
  addEventListener(type: "hashchange" | "pagehide", call: () => void): void;
  setTimeout(call: () => void, milliseconds: number): number;
  clearTimeout(timer: number): void;
}

// Browsers refuse an address that changes more often than about ten times a second.
const PAUSE = 250;

/** The address bar. What is replaced shows a moment later, so that it may change with every move of a pointer. */
export class Address {
  place: Place;
  private shown: string;
  private timer = 0;

  /** `moved` is called after Back, Forward or a change by hand. */
  constructor(
    private readonly bar: Bar,
    moved: (place: Place) => void,
  ) {
    this.shown = bar.location.hash;
    this.place = parse(this.shown);
    bar.addEventListener("hashchange", () => {
      if (bar.location.hash === this.shown) return;
      this.cancel();
      this.shown = bar.location.hash;
      this.place = parse(this.shown);
      moved(this.place);
    });
    bar.addEventListener("pagehide", () => this.flush());
  }

  replace(place: Place): void {
    this.place = place;
    if (!this.timer) this.timer = this.bar.setTimeout(() => this.flush(), PAUSE);
  }

  /** A new entry of the history; none where it would be the entry that is shown. */
  push(place: Place): void {
    const hash = write(place);
    this.flush();
    this.place = place;
    if (hash !== this.shown) this.bring("pushState", hash);
  }

  /** Show what was replaced. */
  flush(): void {
    if (!this.timer) return;
    this.cancel();
    // Back was pressed a moment ago: the entry that is shown is not the one that was to be replaced.
    if (this.bar.location.hash !== this.shown) return;
    const hash = write(this.place);
    if (hash !== this.shown) this.bring("replaceState", hash);
  }

  private bring(how: "replaceState" | "pushState", hash: string): void {
    try {
      this.bar.history[how](null, "", hash);
      this.shown = this.bar.location.hash;
    } catch {
      // The browser found it too often; the next change brings it.
    }
  }

  private cancel(): void {
    this.bar.clearTimeout(this.timer);
    this.timer = 0;
  }
}
