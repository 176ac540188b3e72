// The view at work: what is asked when the light moves, and what is drawn when an answer comes.

import { PictureView } from "../../core/canvas.ts";
import { theme } from "../../core/colour.ts";
import { h } from "../../core/dom.ts";
import { beforeFrame, notBeforeFrame } from "../../core/frame.ts";
import { lineBetween, spread, type Place } from "../../core/geometry.ts";
import type { FieldKind } from "../../core/types.ts";
import type { Context } from "../../core/view.ts";
import { across, CONTRASTS, filterNames, MOST_PINS, MOST_PLACES, parse, walked, walkedNames, write, type Spot, type State } from "./address.ts";
import { Beside } from "./beside.ts";
import { besideChoices, channelChoices } from "./choices.ts";
import { check, segmented, select, type Choices } from "./controls.ts";
import { downloads } from "./downloads.ts";
import { capital, titleOf } from "./facts.ts";
import { FilterFigure } from "./filter.ts";
import { layout } from "./layout.ts";
import { Newest } from "./newest.ts";
import { PageDialog } from "./page.ts";
import { fieldLimit, reachOf, type Field, type Zoom } from "./paint.ts";
import { PinStrip } from "./pins.ts";
import { Kept, networkSource, type Source } from "./sources.ts";
import { Strip } from "./strip.ts";

const KEPT_BYTES = 48e6;

/** What has changed: the light's place, one of the two filters, both, or all there is. */
type What = "place" | "filter" | "other" | "light" | "all";

export class Walk {
  private state: State;
  private readonly others: Choices;
  private readonly kept = new Kept(KEPT_BYTES);
  private readonly source: Source;
  private readonly picture: PictureView;
  private readonly figure = new FilterFigure("Filter");
  private readonly otherFigure = new FilterFigure("Second filter");
  private readonly live: Newest<Spot, Field>;
  private readonly beside: Beside;
  private readonly pinStrip: PinStrip;
  private readonly strip: Strip;
  private field: Field | null = null;
  private reach = 0;
  private addressTimer = 0;
  private undrawn: What | null = null;
  private pinsAsked = new AbortController();
  private pathAsked = new AbortController();
  private drawn: Place[] | null = null;

  // Controls, in the order of the page.
  private readonly kindControl = segmented("Walk over", [["column", "Column: what a pixel sends out"], ["row", "Row: what a pixel takes in"]], (kind) => this.turn(kind as FieldKind));
  private readonly channelControl = segmented("Light in channel", [], (channel) => this.change({ channel: channel === "all" ? null : Number(channel) }));
  private readonly besideControl = select("Beside", [], (beside) => this.change({ beside }, true));
  private readonly zoomControl = segmented("Look at", [["window", "Window"], ["near", "Close-up"], ["whole", "Whole"]], (zoom) => this.change({ zoom: zoom as Zoom }));
  private readonly showControl = select("Drawn as", [], (show) => this.change({ show }));
  private readonly contrastControl = select("Contrast", CONTRASTS.map((times) => [times, `${times} ×`]), (times) => this.change({ contrast: Number(times) }));
  private readonly holdControl = check("Hold scale", "Keep the scale as it is now, so that sizes can be compared from pixel to pixel", (on) => this.change({ hold: on ? Math.max(...this.limits()) * this.state.contrast : null }));
  private readonly sameControl = check("Same scale for both", "Both filters on the scale of the larger one", (same) => this.change({ same }));
  private readonly circlesControl = check("Energy circles", "Circles within which 50, 90 and 99 % of the energy lie", (circles) => this.change({ circles }));
  private readonly pageDialog: PageDialog;
  private readonly where = h("span", { class: "num" });
  private readonly walkedTitle = h("span");
  private readonly walkedAside = h("span", { class: "soft num" });
  private readonly filtersTitle = h("span", null, "\u00a0");
  private readonly drawButton = h("button", { class: "button", type: "button", "aria-pressed": "false", onclick: () => this.toggleDrawing() }, "Draw a path");

  constructor(
    root: HTMLElement,
    private readonly context: Context,
  ) {
    const { api, subject, studio } = context;
    const { state, problems } = parse((key) => context.get(key), subject);
    this.state = state;
    this.others = besideChoices(context);
    const model = studio.models.find(({ name }) => name === subject.model);
    this.source = networkSource(api, this.kept, subject, subject, capital(model?.title ?? subject.model));
    this.live = new Newest(
      (spot) => this.source.ask(spot, "light", context.signal),
      (field) => { this.field = field; this.draw(this.state.same ? "light" : "filter"); },
      (error) => {
        this.keep(); // the place, before the view may begin again
        context.failed(error, "light");
      },
      (busy) => this.figure.busy(busy),
    );
    this.beside = new Beside(context, this.kept, this.otherFigure, () => this.draw(this.state.same ? "light" : "other"), () => this.change({ beside: "none" }));
    this.pinStrip = new PinStrip(this.source, {
      remove: (index) => { this.change({ pins: this.state.pins.filter((_, i) => i !== index) }); this.picture.element.focus({ preventScroll: true }); },
      goTo: (spot) => this.goTo(spot),
      channel: ({ kind, channel }) => (channel === null ? null : (walkedNames(subject, kind)[channel] ?? null)),
    });
    this.strip = new Strip(this.source, { goTo: ([row, column]) => this.moveTo(row, column), clear: () => { this.change({ path: [] }); this.drawButton.focus({ preventScroll: true }); } });
    this.pageDialog = new PageDialog(context);

    const frame = h("div", { class: "flash-frame" });
    layout(root, {
      kind: this.kindControl.element,
      channel: this.channelControl.element,
      beside: this.besideControl.element,
      page: h("button", { class: "button", type: "button", onclick: () => this.pageDialog.open(this.state) }, h("span", null, "Take away", h("span", { class: "flash-wide" }, " as one page"), "…")),
      walkedTitle: this.walkedTitle,
      walkedAside: this.walkedAside,
      picture: frame,
      where: this.where,
      pin: h("button", { class: "button", type: "button", onclick: () => this.pin() }, "Pin"),
      draw: this.drawButton,
      filtersTitle: this.filtersTitle,
      filters: [this.figure.element, this.otherFigure.element],
      facts: [this.figure.facts.element, this.otherFigure.facts.element],
      look: [this.zoomControl, this.showControl, this.contrastControl].map(({ element }) => element),
      checks: [this.circlesControl, this.holdControl, this.sameControl].map(({ element }) => element),
      below: [this.pinStrip.element, this.strip.element, this.pageDialog.element],
    });
    const [, height, width] = walked(subject, state.kind);
    this.picture = new PictureView(frame, {
      label: "",
      height,
      width,
      onMove: (row, column, how) => this.lit(row, column, how === "key"),
      onPick: () => this.pin(),
      onPath: (points, done) => this.pathDrawn(points, done),
    });
    this.picture.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.drawn) return;
      this.endDrawing();
      this.marks();
    });
    this.besideControl.choices(this.others);
    this.besideControl.element.hidden = this.others.length < 2;
    context.onTheme(() => this.draw("all"));
    context.downloads(() => downloads(context, this.state, { field: this.field, figure: this.figure, beside: this.beside, otherFigure: this.otherFigure, pins: this.pinStrip }));
    this.setKind();
    this.apply(null);
    if (problems.length) context.notice(problems.join(" "), "info", "address");
    context.set(write(this.state, subject));
  }

  /** The address has changed by itself. */
  moved(): void {
    const { state, problems } = parse((key) => this.context.get(key), this.context.subject);
    if (problems.length) {
      this.context.notice(problems.join(" "), "info", "address");
      this.context.set(write(state, this.context.subject));
    }
    if (JSON.stringify(state) === JSON.stringify(this.state)) return;
    const before = this.state;
    this.state = state;
    if (before.kind !== state.kind) this.setKind();
    this.apply(before);
  }

  destroy(): void {
    clearTimeout(this.addressTimer);
    notBeforeFrame(this.drawNow);
    this.live.forget();
    this.pinsAsked.abort();
    this.pathAsked.abort();
    this.beside.destroy();
    this.strip.stop();
    this.pinStrip.destroy();
    this.picture.destroy();
    this.figure.destroy();
    this.otherFigure.destroy();
  }

  // From one state to another.

  private change(changes: Partial<State>, push = false): void {
    const before = this.state;
    this.state = { ...before, ...changes };
    this.apply(before);
    this.keep(push);
  }

  /** The other picture, with the light, the path and the channel where they were. */
  private turn(kind: FieldKind): void {
    const { subject } = this.context;
    const before = this.state;
    const [row, column] = across(subject, before.kind, [before.row, before.column]);
    const names = walkedNames(subject, kind);
    const channel = before.channel === null ? -1 : names.indexOf(walkedNames(subject, before.kind)[before.channel]!);
    const path = before.path.map((place) => across(subject, before.kind, place));
    this.state = { ...before, kind, row, column, path, channel: channel < 0 ? null : channel };
    if (!["sum", "colour", ...filterNames(subject, kind)].includes(this.state.show)) this.state.show = "sum";
    this.setKind();
    this.apply(before);
    this.keep(true);
  }

  private setKind(): void {
    const { subject, pictures } = this.context;
    const { kind } = this.state;
    this.endDrawing();
    const [, height, width] = walked(subject, kind);
    const title = kind === "column" ? "Input" : "Output";
    this.walkedTitle.textContent = title;
    this.walkedAside.textContent = `${width} × ${height} px`;
    this.picture.resize(height, width, `${title}: ${this.context.photo.title}, with the light`);
    this.picture.image(kind === "column" ? pictures.input : pictures.output);
    this.channelControl.choices([["all", "All"], ...channelChoices(walkedNames(subject, kind))]);
    this.channelControl.element.hidden = walkedNames(subject, kind).length < 2;
    const names = filterNames(subject, kind);
    const coloured = ["R", "G", "B"].every((name) => names.includes(name));
    this.showControl.choices([["sum", "Sum of channels"], ...(coloured ? [["colour", "Colours around grey"] as const] : []), ...names.length > 1 ? channelChoices(names).map(([, name]) => [name, `Channel ${name}`] as const) : []]);
    this.showControl.element.hidden = names.length < 2;
    this.figure.from(this.source, kind);
    this.field = null;
  }

  /** Bring the page to the state; what did not change is left alone. */
  private apply(before: State | null): void {
    const { state } = this;
    const changed = (key: keyof State) => !before || JSON.stringify(before[key]) !== JSON.stringify(state[key]);
    this.kindControl.show(state.kind);
    this.channelControl.show(state.channel === null ? "all" : String(state.channel));
    this.besideControl.show(state.beside);
    this.zoomControl.show(state.zoom);
    this.showControl.show(state.show);
    this.contrastControl.show(String(state.contrast));
    this.holdControl.show(state.hold !== null);
    this.sameControl.show(state.same);
    this.circlesControl.show(state.circles);
    this.sameControl.element.hidden = state.beside === "none" || state.hold !== null;
    this.picture.light(state.row, state.column);
    if (changed("beside")) this.beside.choose(state.beside, this.others);
    if (changed("kind") || changed("beside")) this.beside.turn(state.kind);
    if (changed("pins")) this.setPins();
    if (changed("path") || changed("channel") || changed("kind")) this.setPath();
    this.marks();
    if (changed("kind") || changed("channel") || changed("row") || changed("column") || changed("beside")) this.ask();
    this.draw("all");
  }

  private keep(push = false): void {
    clearTimeout(this.addressTimer);
    this.context.set(write(this.state, this.context.subject), push);
  }

  private keepSoon(): void {
    clearTimeout(this.addressTimer);
    this.addressTimer = window.setTimeout(() => this.keep(), 250);
  }

  // The light.

  private lit(row: number, column: number, byKey: boolean): void {
    if (byKey && this.drawn) {
      this.drawn.push(...lineBetween(this.drawn.at(-1)!, [row, column]));
      this.picture.path(this.drawn);
    }
    this.strip.stop();
    this.state.row = row;
    this.state.column = column;
    this.ask();
    this.keepSoon();
  }

  private moveTo(row: number, column: number): void {
    this.picture.light(row, column);
    this.state.row = row;
    this.state.column = column;
    this.ask();
    this.keepSoon();
  }

  private goTo(spot: Spot): void {
    if (spot.kind !== this.state.kind) this.turn(spot.kind);
    this.change(spot);
  }

  private ask(): void {
    const { kind, channel, row, column } = this.state;
    this.draw("place");
    this.strip.at(row, column);
    this.live.want({ kind, channel, row, column });
    this.beside.want({ kind, channel, row, column });
  }

  // What is drawn.

  private limits(): [number, number] {
    const { kind, show, hold, same, contrast } = this.state;
    if (hold !== null) return [hold / contrast, hold / contrast];
    const own = this.field ? fieldLimit(this.field, show, this.source.names(kind)) : 1;
    const other = this.beside.field ? fieldLimit(this.beside.field, show, this.beside.source!.names(kind)) : own;
    const most = Math.max(own, other);
    return same ? [most / contrast, most / contrast] : [own / contrast, other / contrast];
  }

  /** In the next frame, with whatever else changes until then. */
  private draw(what: What): void {
    const before = this.undrawn;
    if (before === null || before === "place" || what === "all") this.undrawn = what;
    else if (before !== what && before !== "all" && what !== "place") this.undrawn = "light";
    beforeFrame(this.drawNow);
  }

  private readonly drawNow = (): void => {
    let what = this.undrawn!;
    this.undrawn = null;
    const { kind, row, column } = this.state;
    this.where.textContent = `Row ${row}, column ${column}`;
    if (what === "place") return;
    const look = this.looks();
    const [limit, otherLimit] = this.limits();
    // Beside one another, filters in pictures of one size are seen equally large.
    const other = this.beside.field;
    const alike = this.field && other && this.field.header.shape[1] === other.header.shape[1] && this.field.header.shape[2] === other.header.shape[2];
    const reach = alike ? Math.max(this.figure.reach, this.otherFigure.reach, reachOf(this.field!), reachOf(other)) : 0;
    if (reach !== this.reach && what !== "all") what = "light";
    this.reach = reach;
    const titled = ({ header }: Field) => titleOf(kind, header.row, header.column);
    if (what !== "other" && this.field?.header.kind === kind) {
      this.filtersTitle.textContent = titled(this.field);
      this.figure.show(this.field, { ...look, limit }, titled(this.field), reach);
    }
    if (what !== "filter" && other?.header.kind === kind) this.otherFigure.show(other, { ...look, limit: otherLimit }, titled(other), reach);
    if (what !== "all") return;
    this.pinStrip.show(look);
    this.strip.show(look);
  };

  private marks(): void {
    const { pins, kind } = this.state;
    this.picture.marks(pins.flatMap((pin, i) => (pin.kind === kind ? [{ row: pin.row, column: pin.column, label: String(i + 1), tone: (i + 1) as 1 | 2 | 3 | 4 }] : [])));
    this.picture.path(this.drawn ?? this.state.path);
  }

  // Pins.

  /** Pin what is under the light, or take the pin away that is there. */
  private pin(): void {
    const { kind, channel, row, column, pins } = this.state;
    const there = pins.findIndex((pin) => pin.kind === kind && pin.channel === channel && pin.row === row && pin.column === column);
    if (there >= 0) return this.change({ pins: pins.filter((_, i) => i !== there) });
    if (pins.length >= MOST_PINS) return this.context.notice(`${MOST_PINS} pins are the most. Remove one first.`, "info", "pins");
    this.change({ pins: [...pins, { kind, channel, row, column }] });
  }

  private setPins(): void {
    this.pinsAsked.abort();
    this.pinsAsked = new AbortController();
    const pins = this.state.pins.map((spot) => ({ spot, field: null as Field | null }));
    this.pinStrip.set(pins);
    void this.each(pins.map(({ spot }) => spot), "pin", this.pinsAsked.signal, (field, i) => {
      pins[i]!.field = field;
      this.pinStrip.show(this.looks());
    });
  }

  private looks() {
    const { show, zoom, circles, contrast } = this.state;
    return { show, zoom, circles, contrast, theme: theme() };
  }

  /** One after another, so that the light is never kept waiting by more than one. */
  private async each(spots: Spot[], slot: string, signal: AbortSignal, got: (field: Field, index: number) => void): Promise<void> {
    try {
      for (const [index, spot] of spots.entries()) {
        const field = await this.source.ask(spot, slot, signal);
        if (signal.aborted) return;
        got(field, index);
      }
    } catch (error) {
      if (!signal.aborted) this.context.failed(error, slot);
    }
  }

  // Paths.

  private pathDrawn(points: Place[], done: boolean): void {
    this.picture.path(points);
    if (!done) return;
    this.endDrawing();
    this.change({ path: spread(points, MOST_PLACES) });
  }

  private toggleDrawing(): void {
    if (this.drawn) {
      const points = this.drawn;
      this.endDrawing();
      if (points.length > 1) this.change({ path: spread(points, MOST_PLACES) });
      else this.marks();
      return;
    }
    this.drawn = [[this.state.row, this.state.column]];
    this.picture.drawing = true;
    this.drawButton.setAttribute("aria-pressed", "true");
    this.drawButton.textContent = "End the path";
    this.picture.element.focus({ preventScroll: true });
  }

  private endDrawing(): void {
    this.drawn = null;
    this.picture.drawing = false;
    this.drawButton.setAttribute("aria-pressed", "false");
    this.drawButton.textContent = "Draw a path";
  }

  private setPath(): void {
    this.pathAsked.abort();
    this.pathAsked = new AbortController();
    const { path, kind, channel } = this.state;
    this.strip.set(path);
    this.strip.at(this.state.row, this.state.column);
    void this.each(path.map(([row, column]) => ({ kind, channel, row, column })), "path", this.pathAsked.signal, (field, i) => {
      this.strip.got(i, field);
      this.strip.show(this.looks());
    });
  }
}
