// What the page says in words.

import type { About } from "./page.ts";
import { h } from "../core/dom.ts";
import { amount, count } from "../core/words.ts";
import { factsOf, type Fact } from "../views/flashlight/facts.ts";
import type { Field } from "../views/flashlight/paint.ts";

export function heading(about: About): HTMLElement {
  const every = about.stride === 1 ? "Every pixel" : `Every ${ordinal(about.stride)} pixel`;
  const across = about.stride === 1 ? "" : " in both directions";
  return h("header", { class: "top" },
    h("h1", null, "Flashlight ", h("span", { class: "soft" }, `· ${about.model} on ${about.photo}`)),
    h("p", { class: "soft small" },
      about.kind === "column"
        ? "What one input pixel sends out: a column of F, in y = F x + r. "
        : "What one output pixel takes in: a row of F, in y = F x + r. ",
      `${every}${across}. Move over the ${about.kind === "column" ? "photo" : "output"}, or use the arrow keys.`));
}

export function ordinal(number: number): string {
  const last = number % 10;
  const teens = Math.floor(number / 10) % 10 === 1;
  return `${number}${teens ? "th" : last === 1 ? "st" : last === 2 ? "nd" : last === 3 ? "rd" : "th"}`;
}

/** What is not in the page: only the studio's server measures it. */
const ELSEWHERE = ["Orientation", "Frequency", "Computed in"];

/** Label, value and meaning of what is known of a filter. */
export function facts(about: About, field: Field): Fact[] {
  const names = about.kind === "column" ? about.input_channels : about.output_channels;
  const channel = about.channel === null ? (names.length === 1 ? "" : ", all channels") : `, ${names[about.channel]}`;
  const { row, column } = field.header;
  const where = { name: "Pixel", text: `${row}, ${column}${channel}`, meaning: "Row and column of the pixel under the light." };
  return [where, ...factsOf(field).filter(({ name }) => !ELSEWHERE.includes(name))];
}

export function aboutThis(about: About): HTMLElement {
  const { certificate } = about;
  const frozen = Object.entries(certificate.frozen).map(([kind, many]) => `${many} ${kind}`).join(", ") || "nothing";
  const given = about.kind === "column" ? about.input_shape : about.output_shape;
  const pairs: [string, string][] = [
    ["Network", about.model],
    ["Photo", about.photo],
    ["Map", `${about.input_shape.join(" × ")} to ${about.output_shape.join(" × ")}`],
    ["F x + r against y", `${amount(certificate.reconstruction, 1)} relative error`],
    ["⟨F v, u⟩ against ⟨v, Fᵀu⟩", amount(certificate.adjoint, 1)],
    ["Frozen", `${frozen} (${certificate.interpretation})`],
    ["Computed in", `${certificate.dtype}${certificate.dtype === "float32" ? ", kept without loss" : ", kept as float32"}`],
    ["Held", `${count(about.rows.length * about.columns.length, about.kind)} of ${(given[1] * given[2]).toLocaleString("en")} places`],
    ["Made with", Object.entries(about.versions).map(([name, version]) => `${name} ${version}`).join(", ")],
  ];
  return h("details", { class: "about" },
    h("summary", null, "About this page"),
    h("dl", null, ...pairs.flatMap(([name, value]) => [h("dt", null, name), h("dd", null, value)])),
    ...[...about.notes, ...certificate.notes].map((note) => h("p", { class: "soft small" }, note)));
}
