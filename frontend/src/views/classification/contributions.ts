// A score as a sum: the pixels' share, then the constants of every layer, as signed bars that open into maps.

import { limitOf, theme } from "../../core/colour.ts";
import { fill, h, newId } from "../../core/dom.ts";
import { fileName } from "../../core/download.ts";
import { address } from "../../core/api.ts";
import { Legend, PixelCanvas, Segmented } from "../../core/figures.ts";
import { Latest } from "../../core/latest.ts";
import { mapOver } from "../../core/overlay.ts";
import { floats, type Picture } from "../../core/packet.ts";
import type { ContributionsInfo } from "../../core/types.ts";
import type { Download } from "../../core/view.ts";
import { amount, count, score } from "../../core/words.ts";
import { busy, names, type Desk } from "./desk.ts";
import { bar, column, extent, lines, stand, within, type Line } from "./shares.ts";

const TITLES: Record<string, string> = { input: "Pixels" };

/** How the numbers of the two columns are written. */
interface Writers {
  share(value: number): string;
  sum(value: number): string;
}

/** Opens and closes one line. */
interface Row {
  button: HTMLButtonElement;
  inside: HTMLElement;
  line: Line;
  stage: Row | null;
}

export class ContributionsPanel {
  readonly element: HTMLElement;
  private readonly tabs: Segmented<string>;
  private readonly body = h("div", { class: "dims share-body" });
  private readonly facts = h("dl", { class: "facts" });
  private readonly list = h("ol", { class: "share-list" });
  private readonly asked: Latest;
  private readonly askedMap: Latest;
  private readonly known = new Map<string, ContributionsInfo>();
  private readonly stages = new Map<string, Row[]>();
  private rows = new Map<string, Row>();
  private shown: { key: string; info: ContributionsInfo } | null = null;
  private map: { picture: PixelCanvas; legend: Legend; values: Picture<Float32Array>; layer: string; of: string } | null = null;

  constructor(private readonly desk: Desk) {
    this.asked = new Latest(desk.context.signal);
    this.askedMap = new Latest(desk.context.signal);
    this.tabs = new Segmented("Label", newId("active"), (value) => desk.change({ active: Number(value) }));
    fill(
      this.body,
      this.facts,
      h(
        "div",
        { class: "share-head soft small", "aria-hidden": "true" },
        h("span", null, "Layer"),
        h("span", null, ""),
        h("span", { class: "num" }, "Share"),
        h("span", { class: "num" }, "Sum"),
      ),
      this.list,
    );
    this.element = h(
      "section",
      { class: "panel", "aria-label": "Contributions by layer" },
      h("h2", { class: "panel-title" }, "Contributions by layer", h("span", { class: "soft small" }, "The score is a sum: what the pixels bring, and what the constants of every layer add.")),
      h("div", { class: "toolbar" }, this.tabs.element, h("span", { class: "share-key small soft" }, h("span", { class: "key input" }), "pixels", h("span", { class: "key constants" }), "constants", h("span", { class: "key sum" }), "sum so far")),
      this.body,
    );
    this.place(12);
  }

  /** Rows of no content, so that the page has its height from the start. */
  private place(rows: number): void {
    fill(this.facts, ...["Score", "Pixels", "Constants", "Sums to the score"].map((name) => h("div", null, h("dt", null, name), h("dd", null, "\u00a0"))));
    fill(this.list, ...Array.from({ length: rows }, () => h("li", null, h("div", { class: "share-line" }, "\u00a0"))));
  }

  async show(): Promise<void> {
    const { desk } = this;
    const signal = this.asked.next();
    const text = names(desk.labels);
    this.tabs.fill(desk.labels.map((label, i) => ({ value: String(label.index), text: text[i]!, tone: i + 1 })), String(desk.active.index));
    const subject = desk.subject.id;
    const key = this.key();
    const missing = desk.labels.map((label) => label.index).filter((index) => !this.known.has(`${subject}:${index}`));
    if (!this.known.has(key)) busy(this.body, true);
    if (missing.length) {
      try {
        const found = await desk.context.api.contributions(subject, missing, signal);
        for (const info of found) this.known.set(`${subject}:${info.target.index}`, info);
      } catch (error) {
        // What is shown speaks of something else, and so stays dimmed.
        if (!signal.aborted) desk.context.failed(error, "contributions");
        return;
      }
    }
    if (signal.aborted) return;
    busy(this.body, false);
    const info = this.known.get(key);
    if (!info) return;
    if (this.shown?.key !== key) {
      this.shown = { key, info };
      this.draw(info);
    }
    this.openGroups(desk.choice.groups);
    this.open(desk.choice.open);
  }

  private key(): string {
    return `${this.desk.subject.id}:${this.desk.active.index}`;
  }

  private draw(info: ContributionsInfo): void {
    const held = document.activeElement instanceof HTMLElement && this.list.contains(document.activeElement) ? document.activeElement.dataset["line"] : undefined;
    const constants = info.layers.reduce((sum, layer) => sum + layer.share, 0);
    fill(
      this.facts,
      ...(
        [
          ["Score", score(info.target.score)],
          ["Pixels", withSign(info.input)],
          ["Constants", withSign(constants)],
          ["Sums to the score", `to ${info.error === 0 ? "the last digit" : `${amount(info.error, 1)} of the largest share`}`],
        ] as const
      ).map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))),
    );
    const all = lines(info);
    const axis = extent(all, info.target.score);
    const write = { share: column(axis, true), sum: column(axis) };
    this.rows = new Map();
    this.stages.clear();
    const end = h("span", { class: "bar-tick end" });
    end.style.left = `${stand(info.target.score, axis)}%`;
    fill(
      this.list,
      ...all.map((line) => this.row(line, axis, write, null)),
      h(
        "li",
        { class: "share-total" },
        h("div", { class: "share-line" }, h("span", { class: "bar-name" }, "Score"), h("span", { class: "bar-track" }, end), h("span", { class: "num" }, ""), h("span", { class: "num" }, score(info.target.score))),
      ),
    );
    if (held) (this.list.querySelector(`[data-line="${CSS.escape(held)}"]`) as HTMLElement | null)?.focus();
    this.map = this.map && this.rows.has(this.map.layer) ? this.map : null;
  }

  private row(line: Line, axis: [number, number], write: Writers, stage: Row | null): HTMLElement {
    const place = bar(line.share, axis);
    const strip = h("span", { class: `bar-fill ${line.name === "input" ? "input" : "constants"}` });
    strip.style.left = `${place.start}%`;
    strip.style.width = `${place.length}%`;
    const zero = h("span", { class: "bar-zero" });
    zero.style.left = `${stand(0, axis)}%`;
    const tick = h("span", { class: "bar-tick" });
    tick.style.left = `${stand(line.sum, axis)}%`;
    const grouped = line.layers.length > 0;
    const title = TITLES[line.name] ?? line.name;
    const parts = [
      h("span", { class: "bar-name" }, h("span", { class: "caret", "aria-hidden": "true" }), h("span", { class: "bar-text", title }, h("bdi", { dir: "ltr" }, stage ? within(title, stage.line.name) : title)), grouped ? h("span", { class: "soft small" }, ` ${count(line.layers.length, "layer")}`) : null),
      h("span", { class: "bar-track" }, strip, zero, tick),
      h("span", { class: "num" }, write.share(line.share)),
      h("span", { class: "num soft" }, write.sum(line.sum)),
    ];
    const said = `${title}: share ${withSign(line.share)}, sum so far ${score(line.sum)}`;
    if (!grouped && !line.map) return h("li", null, h("div", { class: "share-line" }, ...parts));
    const inside = h("div", { class: grouped ? "share-stage" : "share-map", id: newId("share"), hidden: true });
    const button = h(
      "button",
      { type: "button", class: "share-line", "aria-expanded": "false", "aria-controls": inside.id, "aria-label": grouped ? `${said}; ${count(line.layers.length, "layer")}` : `${said}; its map`, "data-line": line.name },
      ...parts,
    );
    const row: Row = { button, inside, line, stage };
    if (grouped) {
      fill(inside, h("ol", { class: "share-list", "aria-label": `Layers of ${title}` }, ...line.layers.map((layer) => this.row(layer, axis, write, row))));
      this.stages.set(line.name, [...(this.stages.get(line.name) ?? []), row]);
      button.onclick = () => this.choose(line.name, button.getAttribute("aria-expanded") !== "true");
    } else {
      this.rows.set(line.name, row);
      button.onclick = () => {
        const { groups } = this.desk.choice;
        const open = button.getAttribute("aria-expanded") === "true" ? null : line.name;
        this.desk.change({ open, groups: stage && !groups.includes(stage.line.name) ? [...groups, stage.line.name] : groups });
      };
    }
    return h("li", null, button, inside);
  }

  /** Open or close a group; a map within it is closed with it. */
  private choose(group: string, open: boolean): void {
    const { choice } = this.desk;
    const others = choice.groups.filter((name) => name !== group);
    if (open) return this.desk.change({ groups: [...others, group] });
    const holds = choice.open !== null && this.rows.get(choice.open)?.stage?.line.name === group;
    this.desk.change({ groups: others, open: holds ? null : choice.open });
  }

  private openGroups(groups: string[]): void {
    const known = groups.filter((name) => this.stages.has(name));
    for (const [name, rows] of this.stages) for (const row of rows) this.toggle(row, known.includes(name));
    if (known.length === groups.length) return;
    const unknown = groups.filter((name) => !known.includes(name)).map((name) => `“${name.slice(0, 40)}”`);
    this.desk.context.notice(`This network has no group of layers ${unknown.join(", ")}. The others are open.`, "info", "groups");
    this.desk.change({ groups: known });
  }

  private toggle(row: Row, open: boolean): void {
    row.button.setAttribute("aria-expanded", String(open));
    row.inside.hidden = !open;
  }

  /** Open the map of one layer, and no other. */
  private open(layer: string | null): void {
    for (const [name, row] of this.rows) {
      const here = name === layer;
      row.button.setAttribute("aria-expanded", String(here));
      row.inside.hidden = !here;
      if (!here) row.inside.replaceChildren();
    }
    const row = layer === null ? undefined : this.rows.get(layer);
    if (!row) {
      this.askedMap.drop();
      this.map = null;
      if (layer !== null) {
        this.desk.context.notice(`No layer “${layer.slice(0, 40)}” of this network has a map. None is opened.`, "info", "open");
        this.desk.change({ open: null });
      }
      return;
    }
    if (row.stage) this.toggle(row.stage, true);
    void this.loadMap(row);
  }

  private async loadMap(row: Row): Promise<void> {
    const { desk } = this;
    const layer = row.line.name;
    const signal = this.askedMap.next();
    const label = desk.active;
    const of = this.key();
    const name = TITLES[layer] ?? layer;
    const picture = this.map?.layer === layer ? this.map.picture : new PixelCanvas("", desk.photo.height, desk.photo.width);
    const legend = this.map?.layer === layer ? this.map.legend : new Legend(null);
    picture.label(`Where the share of ${name} in the score of ${label.name} lies, over the photo`);
    const caption = h("figcaption", null, "\u00a0");
    const figure = h("figure", { class: "figure" }, h("div", { class: "dims" }, picture.canvas), legend.element, caption);
    fill(row.inside, figure);
    busy(figure.firstElementChild as HTMLElement, true);
    try {
      const packet = await desk.context.api.layerMap(desk.subject.id, label.index, layer, signal);
      if (signal.aborted) return;
      const values = floats(packet, "values");
      this.map = { picture, legend, values, layer, of };
      const [rows, columns] = values.shape as [number, number];
      caption.textContent = `Share ${withSign(packet.header.share)} of ${name}: ${rows} × ${columns} places over the photo. Red speaks for ${label.name.split(",")[0]}, blue against it.`;
      this.redraw();
      busy(figure.firstElementChild as HTMLElement, false);
    } catch (error) {
      if (signal.aborted) return;
      busy(figure.firstElementChild as HTMLElement, false);
      caption.textContent = "This map could not be made.";
      desk.context.failed(error, "layer map");
    }
  }

  /** Draw the open map again: another theme, or opacity. */
  redraw(): void {
    if (!this.map) return;
    const limit = limitOf(this.map.values.values);
    this.map.picture.draw(mapOver(this.desk.photo, this.map.values, limit, this.desk.choice.opacity / 100, theme()));
    this.map.legend.show(limit, false, this.map.values.values);
  }

  downloads(): Download[] {
    const { desk, map } = this;
    const shown = this.shown?.key === this.key() ? this.shown : null;
    const label = desk.active.name.split(",")[0]!;
    const found: Download[] = [
      {
        label: `Contributions to ${label} as CSV`,
        file: fileName(desk.stem, label, "contributions.csv"),
        get: shown ? async () => new Blob([csv(shown.info)], { type: "text/csv" }) : null,
      },
    ];
    if (map && map.of === this.key()) {
      const name = TITLES[map.layer] ?? map.layer;
      const query = { target: desk.active.index, layer: map.layer, format: "npz" };
      found.push(
        { label: `Map of ${name} as PNG`, file: fileName(desk.stem, label, `${name}.png`), get: () => map.picture.png() },
        { label: `Map of ${name} as npz`, file: fileName(desk.stem, label, `${name}.npz`), get: address(`/api/subjects/${desk.subject.id}/layer-map`, query) },
      );
    }
    return found;
  }
}

function withSign(value: number): string {
  return value > 0 ? `+${score(value)}` : score(value);
}

/** One line a layer, in order of depth. */
export function csv(info: ContributionsInfo): string {
  let sum = info.input;
  const rows = info.layers.map((layer) => `"${layer.layer}",${layer.share},${(sum += layer.share)}`);
  return ["layer,share,sum", `"input",${info.input},${info.input}`, ...rows].join("\n") + "\n";
}
