// What stands beside the filter: nothing, bicubic interpolation, or the same pixel's filter of another network.

import { address } from "../../core/api.ts";
import type { FieldKind, Subject } from "../../core/types.ts";
import type { Context } from "../../core/view.ts";
import { hasBicubic, type Spot } from "./address.ts";
import { sideOf } from "./choices.ts";
import type { Choices } from "./controls.ts";
import type { FilterFigure } from "./filter.ts";
import { Newest } from "./newest.ts";
import type { Field } from "./paint.ts";
import { bicubicSource, networkSource, spotOf, type Kept, type Source } from "./sources.ts";

export class Beside {
  source: Source | null = null;
  field: Field | null = null;
  subject: Subject | null = null;
  private live: Newest<Spot, Field> | null = null;
  private kind: FieldKind = "column";
  private spot: Spot | null = null;
  private turns = 0;

  constructor(
    private readonly context: Context,
    private readonly kept: Kept,
    private readonly figure: FilterFigure,
    private readonly draw: () => void,
    private readonly giveUp: () => void,
  ) {}

  /** "none", "bicubic" or the name of a network among the choices. */
  choose(name: string, choices: Choices): void {
    const { context } = this;
    const turn = ++this.turns;
    this.live?.forget();
    [this.source, this.field, this.subject, this.live] = [null, null, null, null];
    const shown = name !== "none";
    this.figure.element.hidden = this.figure.facts.element.hidden = !shown;
    this.figure.element.closest(".flash-stage")?.classList.toggle("beside", shown);
    this.figure.busy(false);
    if (!shown) return;
    const title = choices.find(([value]) => value === name)?.[1];
    if (!title) {
      context.notice(`“${name}” cannot stand beside this network. Nothing does.`, "info", "beside");
      queueMicrotask(this.giveUp);
    } else if (name === "bicubic" && hasBicubic(context.subject)) {
      this.use(bicubicSource(context.subject), null);
    } else {
      void this.capture(name, title, turn);
    }
  }

  turn(kind: FieldKind): void {
    this.kind = kind;
    if (this.field?.header.kind !== kind) this.field = null;
    if (this.source) this.figure.from(this.source, kind);
  }

  want(spot: Spot): void {
    this.spot = spot;
    this.live?.want(spot);
  }

  npz(spot: Spot): string | null {
    if (!this.subject) return null;
    const { kind, channel, row, column } = spotOf(this.context.subject, this.subject, spot);
    return address(`/api/subjects/${this.subject.id}/field`, { kind, channel, row, column, format: "npz" });
  }

  destroy(): void {
    this.turns++;
    this.live?.forget();
  }

  private async capture(name: string, title: string, turn: number): Promise<void> {
    const { context } = this;
    this.figure.waiting(title);
    try {
      const model = context.studio.models.find((one) => one.name === name)!;
      const subject = await context.capture(name, model.sides.length ? sideOf(context.subject) : null);
      if (turn !== this.turns || context.signal.aborted) return;
      const [, height, width] = context.subject.input_shape;
      if (subject.kind !== context.subject.kind || subject.input_shape[1] !== height || subject.input_shape[2] !== width) {
        context.notice(`${title} does not look at the same part of the photo, so nothing stands beside.`, "info", "beside");
        return this.giveUp();
      }
      this.use(networkSource(context.api, this.kept, context.subject, subject, title), subject);
    } catch (error) {
      if (turn !== this.turns || context.signal.aborted) return;
      context.failed(error, "beside");
      this.giveUp();
    }
  }

  private use(source: Source, subject: Subject | null): void {
    const { context } = this;
    this.source = source;
    this.subject = subject;
    this.figure.from(source, this.kind);
    this.live = new Newest(
      (spot) => source.ask(spot, "beside", context.signal),
      (field) => { this.field = field; this.draw(); },
      (error) => context.failed(error, "beside"),
      (busy) => this.figure.busy(busy),
    );
    if (this.spot) this.live.want(this.spot);
  }
}
