// The page as a whole: what is chosen, captured and shown.

import { Api, Refusal, wasDropped } from "../core/api.ts";
import { rgbImage } from "../core/colour.ts";
import { fill, h } from "../core/dom.ts";
import type { Picture } from "../core/packet.ts";
import { Address, changed, write, type Place } from "../core/state.ts";
import type { Model, Photo, Studio, Subject } from "../core/types.ts";
import type { Context, Download, View } from "../core/view.ts";
import { addActions } from "./actions.ts";
import { CertificateBadge } from "./certificate.ts";
import { firstSide, firstView, misfit, photoFor, placeOf, resolve, sameSubject, type Choice } from "./choice.ts";
import { Choices } from "./choices.ts";
import { Help } from "./help.ts";
import { Notices, type Owner } from "./notices.ts";
import { Photos } from "./photos.ts";
import { sentence, Stage } from "./stage.ts";
import { Tabs } from "./tabs.ts";
import { Themes } from "./theme.ts";

/** A network on a photo, ready to be looked at. */
interface Ready {
  subject: Subject;
  pictures: Context["pictures"];
}

/** A view that stands on the stage. */
interface Mounted {
  view: View;
  end: AbortController;
  downloads: () => Download[];
  onTheme: (() => void)[];
}

type History = "push" | "replace" | "none";

/** What the notice is about while the server does not answer. */
const UNREACHABLE = "unreachable";
const AGAIN = 3000; // milliseconds

export class App {
  private readonly api = new Api(() => this.notices.clear("shell", UNREACHABLE));
  private readonly address = new Address(window, (place) => this.moved(place));
  private readonly notices = new Notices(element("notices"));
  private readonly stage = new Stage(element("panel"));
  private readonly themes = new Themes(() => this.mounted?.onTheme.forEach((call) => call()));
  private readonly certificate: CertificateBadge;
  private readonly tabs: Tabs;
  private readonly choices: Choices;
  private readonly spoken = h("div", { class: "visually-hidden", role: "status" });

  private studio: Studio | null = null;
  private choice: Choice | null = null;
  private ready: { choice: Choice; is: Ready } | null = null;
  private capturing: { choice: Choice; end: AbortController } | null = null;
  private mounted: Mounted | null = null;
  private awaiting = 0;
  /** The keys that each view had last. */
  private readonly kept = new Map<string, Record<string, string>>();

  constructor(private readonly views: View[]) {
    document.body.append(this.spoken);
    const help = new Help(() => this.view());
    fill(element("tools"), this.themes.button, help.button);
    this.themes.connect();
    this.certificate = new CertificateBadge(element("actions"));
    addActions(element("actions"), {
      api: this.api,
      downloads: () => this.mounted?.downloads() ?? [],
      link: () => location.origin + location.pathname + write(this.address.place),
      notice: (text, kind, about) => this.notices.say(text, kind, about, "view"),
      failed: (error, about) => this.fail(error, about, "view"),
    });
    this.tabs = new Tabs(
      element("tabs"),
      views,
      this.stage.root,
      (name) => this.openView(name),
      (reason) => this.notices.say(reason, "info", "misfit"),
    );
    const photos = new Photos({
      api: this.api,
      choose: (photo) => this.choosePhoto(photo),
      notice: (text, kind) => this.notices.say(text, kind, "photo"),
      failed: (error) => this.fail(error, "photo", "shell"),
      purpose: () => this.choice?.model ?? "this network",
    });
    this.choices = new Choices(element("choices"), photos, {
      network: (name) => this.chooseNetwork(name),
      side: (side) => this.choice && void this.go({ ...this.choice, side }, "push"),
    });
    addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      if (!wasDropped(event.reason)) this.fail(event.reason, "mistake", "view");
    });
    const skip = element("skip");
    skip.addEventListener("click", (event) => {
      event.preventDefault();
      element("stage").focus();
    });
  }

  async start(): Promise<void> {
    this.stage.wait("Asking the studio what it has", "");
    try {
      this.studio = await this.api.studio();
    } catch (error) {
      this.certificate.wait("No certificate");
      this.stage.problem("The studio did not start", error, [{ label: "Try again", go: () => void this.start() }]);
      return;
    }
    const { choice, said } = resolve(this.address.place, this.studio, this.views);
    this.sayRepairs(said);
    await this.go(choice, "replace");
  }

  // What a visitor does

  private chooseNetwork(name: string): void {
    const { choice, studio } = this;
    if (!choice || !studio) return;
    const next = this.model(name);
    const image = photoFor(next, { model: this.model(choice.model), image: choice.image }, studio.images);
    const side = choice.side !== null && next.sides.includes(choice.side) ? choice.side : firstSide(next);
    const fits = next.kind === null || this.view()!.fits(next.kind);
    const view = fits ? choice.view : firstView(next.kind, this.views);
    const values = fits ? choice.values : (this.kept.get(view) ?? {});
    void this.go({ view, model: name, image, side, values }, "push");
  }

  private choosePhoto(photo: Photo): void {
    this.notices.clear("shell", "photo");
    if (this.choice) void this.go({ ...this.choice, image: photo.id }, "push");
  }

  private openView(name: string): void {
    if (this.choice) void this.go({ ...this.choice, view: name, values: this.kept.get(name) ?? {} }, "push");
  }

  private moved(place: Place): void {
    const { studio, choice, mounted } = this;
    if (!studio || !choice) return;
    const { choice: next, said } = resolve(place, studio, this.views);
    if (mounted && mounted.view.moved && next.view === choice.view && sameSubject(next, choice)) {
      this.choice = next;
      this.kept.set(next.view, next.values);
      this.address.replace(placeOf(next));
      mounted.view.moved();
    } else {
      void this.go(next, "replace");
    }
    this.sayRepairs(said);
  }

  // What follows from it

  private async go(next: Choice, history: History): Promise<void> {
    this.choice = next;
    this.kept.set(next.view, next.values);
    this.toAddress(history);
    this.unmount();
    if (history === "push") for (const about of ["misfit", "address", "recovered"]) this.notices.clear("shell", about);
    this.describe();
    if (this.ready && sameSubject(this.ready.choice, next)) {
      this.drop();
      this.mount();
    } else if (!this.capturing || !sameSubject(this.capturing.choice, next)) {
      await this.capture();
    }
  }

  private async capture(): Promise<void> {
    const choice = this.choice!;
    this.drop();
    this.ready = null;
    const end = new AbortController();
    this.capturing = { choice, end };
    const model = this.model(choice.model);
    const photo = this.photo(choice.image);
    this.certificate.wait("Measuring");
    this.stage.wait(`Capturing ${model.name} on ${photo.title || photo.id}`, "The first time of a network takes a few seconds.");
    this.spoken.textContent = "Capturing.";
    try {
      const subject = await this.api.subject(choice.model, choice.image, choice.side, end.signal);
      const { arrays } = await this.api.pictures(subject.id, end.signal);
      if (end.signal.aborted) return;
      const output = arrays["output"] as Picture<Uint8Array> | undefined;
      const pictures = { input: rgbImage(arrays["input"] as Picture<Uint8Array>), output: output ? rgbImage(output) : null };
      this.capturing = null;
      this.settle({ subject, pictures }, model);
    } catch (error) {
      if (end.signal.aborted) return;
      this.capturing = null;
      this.problem(error, model);
    }
  }

  /** A capture has ended: only now some networks say what they make. */
  private settle(is: Ready, model: Model): void {
    const { subject } = is;
    model.kind = subject.kind;
    let choice: Choice = { ...this.choice!, side: model.sides.length ? subject.side : null };
    const view = this.view()!;
    if (!view.fits(subject.kind)) {
      const name = firstView(subject.kind, this.views);
      this.notices.say(misfit(view, subject.kind, this.studio!), "info", "misfit");
      choice = { ...choice, view: name, values: this.kept.get(name) ?? {} };
    }
    this.choice = choice;
    this.ready = { choice, is };
    this.toAddress("replace");
    this.describe();
    this.mount();
  }

  private problem(error: unknown, model: Model): void {
    this.certificate.wait("No certificate");
    const ways: { label: string; go(): void }[] = [{ label: "Try again", go: () => void this.capture() }];
    const first = this.studio!.model;
    if (first !== model.name) ways.push({ label: `Show ${first}`, go: () => this.chooseNetwork(first) });
    this.stage.problem(`${model.name} was not captured on this photo`, error, ways);
    this.spoken.textContent = "";
  }

  /** Header, tabs, question and title, as chosen. */
  private describe(): void {
    const studio = this.studio!;
    const choice = this.choice!;
    const view = this.view()!;
    const photo = this.photo(choice.image);
    this.choices.show(studio, choice);
    this.tabs.show(choice.view, this.model(choice.model).kind, studio);
    element("question").textContent = view.question;
    document.title = `${view.title} · ${choice.model} · ${photo.title || photo.id} — linearscope studio`;
  }

  private mount(): void {
    const { subject, pictures } = this.ready!.is;
    const choice = this.choice!;
    const view = this.view()!;
    const model = this.model(choice.model);
    const photo = this.photo(choice.image);
    this.certificate.show(subject, model, photo);
    const mounted: Mounted = { view, end: new AbortController(), downloads: () => [], onTheme: [] };
    this.mounted = mounted;
    const root = this.stage.open(view.name);
    try {
      view.mount(root, this.context(mounted, { subject, pictures }, photo));
    } catch (error) {
      this.unmount();
      this.stage.problem(`${view.title} could not be shown`, error, [{ label: "Try again", go: () => void this.go(choice, "none") }]);
    }
    this.stage.release();
    this.spoken.textContent = `${view.title} shows ${model.name} on ${photo.title || photo.id}.`;
  }

  private context(mounted: Mounted, { subject, pictures }: Ready, photo: Photo): Context {
    const { signal } = mounted.end;
    const { view } = mounted;
    const notice = (text: string, kind: "info" | "error" = "info", about?: string) => {
      if (!signal.aborted) this.notices.say(text, kind, about, "view");
    };
    return {
      api: this.api,
      studio: this.studio!,
      subject,
      photo,
      pictures,
      signal,
      get: (key) => (signal.aborted ? null : (this.choice!.values[key] ?? null)),
      set: (values, push = false) => {
        if (signal.aborted) return;
        const own = Object.fromEntries(Object.entries(values).filter(([key]) => view.keys.includes(key)));
        this.choice = { ...this.choice!, values: changed(this.choice!.values, own) };
        this.kept.set(view.name, this.choice.values);
        this.toAddress(push ? "push" : "replace");
      },
      notice,
      failed: (error, about) => {
        if (signal.aborted || wasDropped(error)) return;
        if (error instanceof Refusal && error.code === "missing") void this.recover(mounted, subject, error, about);
        else this.fail(error, about, "view");
      },
      capture: (name, side) => {
        const sides = this.model(name).sides;
        const wanted = side !== undefined ? side : subject.side !== null && sides.includes(subject.side) ? subject.side : firstSide(this.model(name));
        if (name === subject.model && wanted === subject.side) return Promise.resolve(subject);
        return this.api.subject(name, subject.image, wanted, signal);
      },
      downloads: (list) => {
        mounted.downloads = list;
      },
      onTheme: (call) => {
        mounted.onTheme.push(call);
      },
    };
  }

  /** A server that was started again knows no subject: it captures this one anew, and the view begins again. */
  private async recover(mounted: Mounted, before: Subject, error: Refusal, about?: string): Promise<void> {
    const { signal } = mounted.end;
    let again = before;
    try {
      again = await this.api.subject(before.model, before.image, before.side, signal);
    } catch {
      // What was said first is said.
    }
    if (signal.aborted) return;
    if (again.seconds === before.seconds || !this.ready) return this.fail(error, about, "view");
    this.ready = { ...this.ready, is: { ...this.ready.is, subject: again } };
    await this.go(this.choice!, "none");
    this.notices.say("The studio had forgotten this network on this photo. It was captured again.", "info", "recovered");
  }

  /** A server that does not answer is said once, until it does. */
  private fail(error: unknown, about: string | undefined, owner: Owner): void {
    const gone = error instanceof Refusal && error.code === "unreachable";
    this.notices.say(sentence(error), "error", gone ? UNREACHABLE : about, gone ? "shell" : owner);
    if (gone) this.await();
  }

  /** Ask now and then until the server answers, which takes the notice away. */
  private await(): void {
    clearTimeout(this.awaiting);
    this.awaiting = window.setTimeout(() => {
      this.api.studio().catch((error: unknown) => error instanceof Refusal && error.code === "unreachable" && this.await());
    }, AGAIN);
  }

  private unmount(): void {
    this.mounted?.end.abort();
    this.mounted = null;
    this.notices.clear("view");
  }

  private drop(): void {
    this.capturing?.end.abort();
    this.capturing = null;
  }

  private toAddress(history: History): void {
    const place = placeOf(this.choice!);
    if (history === "push") this.address.push(place);
    else if (history === "replace") this.address.replace(place);
  }

  private sayRepairs(said: string[]): void {
    if (said.length) this.notices.say(said.join(" "), "info", "address");
  }

  private view(): View | null {
    return this.views.find((view) => view.name === this.choice?.view) ?? null;
  }

  private model(name: string): Model {
    return this.studio!.models.find((model) => model.name === name)!;
  }

  private photo(id: string): Photo {
    return this.studio!.images.find((photo) => photo.id === id)!;
  }
}

function element(id: string): HTMLElement {
  return document.getElementById(id)!;
}
