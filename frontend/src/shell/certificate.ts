// The proof that comes with every answer: a badge, and all of it in a panel.

import { fill, h, type Child } from "../core/dom.ts";
import type { Model, Photo, Subject } from "../core/types.ts";
import { amount, count, duration } from "../core/words.ts";
import { icon } from "./icons.ts";
import { popover } from "./popover.ts";

const INTERPRETATIONS: Record<string, string> = {
  freeze: "Every nonlinear unit keeps the decision that it took on this photo.",
  "freeze-deviation": "Every nonlinear unit keeps the decision that it took on this photo; of normalisations only the deviation is kept, and the mean stays linear.",
  taylor: "Every nonlinear unit is replaced by its first-order expansion at this photo.",
};

export class CertificateBadge {
  private readonly button = h("button", { type: "button", class: "button badge", disabled: true });
  private readonly panel = h("div", { class: "certificate", role: "dialog", "aria-label": "Certificate" });
  private shown: { subject: Subject; model: Model; photo: Photo } | null = null;

  constructor(root: HTMLElement) {
    root.append(this.button);
    popover(this.button, this.panel, { opening: () => this.shown && fill(this.panel, ...all(this.shown.subject, this.shown.model, this.shown.photo)) });
    this.wait("Measuring");
  }

  /** In its place while there is no certificate. */
  wait(text: string): void {
    this.shown = null;
    if (this.panel.matches(":popover-open")) this.panel.hidePopover();
    this.button.disabled = true;
    this.button.classList.remove("good", "bad");
    fill(this.button, h("span", { class: "badge-dot" }), text);
  }

  show(subject: Subject, model: Model, photo: Photo): void {
    this.shown = { subject, model, photo };
    const { reconstruction, adjoint } = subject.certificate;
    const good = holds(subject);
    this.button.disabled = false;
    this.button.classList.toggle("good", good);
    this.button.classList.toggle("bad", !good);
    fill(
      this.button,
      icon(good ? "check" : "warning"),
      h("span", null, good ? "Exact" : "Not exact", h("span", { class: "badge-what" }, ": F x + r = y"), " to ", h("span", { class: "num" }, amount(reconstruction, 1))),
      h("span", { class: "badge-adjoint" }, "adjoint ", h("span", { class: "num" }, amount(adjoint, 1))),
    );
  }
}

/** Whether both errors are within what rounding explains. */
export function holds({ certificate }: Subject): boolean {
  return certificate.reconstruction <= certificate.tolerance && certificate.adjoint <= certificate.tolerance;
}

function all(subject: Subject, model: Model, photo: Photo): Child[] {
  const { certificate } = subject;
  const frozen = Object.entries(certificate.frozen).sort((a, b) => b[1] - a[1]);
  const total = frozen.reduce((sum, [, number]) => sum + number, 0);
  const notes = [...subject.notes, ...certificate.notes.filter((note) => !subject.notes.includes(note))];
  return [
    h("h2", null, "Certificate"),
    h(
      "p",
      { class: "soft small" },
      "Measured on this photo. Errors are relative to the largest term that is summed; below the tolerance they are what rounding explains.",
    ),
    h(
      "dl",
      { class: "facts" },
      fact("F x + r against y", amount(certificate.reconstruction, 2)),
      fact("⟨F v, u⟩ against ⟨v, Fᵀ u⟩", amount(certificate.adjoint, 2)),
      fact("Tolerance", amount(certificate.tolerance, 1)),
      fact("Numbers", certificate.dtype.replace("torch.", "")),
      fact("Operations", subject.operations.toLocaleString("en")),
      fact("Capture took", duration(subject.seconds)),
    ),
    h("h3", null, `Interpretation: ${certificate.interpretation}`),
    INTERPRETATIONS[certificate.interpretation] ? h("p", { class: "small" }, INTERPRETATIONS[certificate.interpretation]) : null,
    h("h3", null, `Frozen: ${count(total, "unit")}`),
    frozen.length
      ? h("ul", { class: "frozen small" }, ...frozen.map(([kind, number]) => h("li", null, h("span", null, kind), h("span", { class: "num" }, number.toLocaleString("en")))))
      : h("p", { class: "small" }, "None: this network is linear."),
    notes.length ? h("h3", null, "Notes") : null,
    notes.length ? h("ul", { class: "small notes" }, ...notes.map((note) => h("li", null, note))) : null,
    h("h3", null, "Network and photo"),
    h(
      "dl",
      { class: "facts small" },
      fact("Network", model.title && model.title !== model.name ? `${model.name}: ${model.title}` : model.name),
      fact("Size", `${subject.input_shape.join(" × ")} to ${subject.output_shape.join(" × ")}`),
      model.weights ? fact("Weights", model.weights) : null,
      model.licence ? fact("Licence", model.licence) : null,
      model.preprocessing ? fact("Before the network", model.preprocessing) : null,
      fact("Photo", `${photo.title || photo.id}, ${photo.width} × ${photo.height}`),
      photo.credit ? fact("Photo from", photo.credit) : null,
    ),
  ];
}

function fact(name: string, value: string): HTMLElement {
  return h("div", null, h("dt", null, name), h("dd", null, value));
}
