// The controls that the view needs several of. Each can be told a new value without telling back.

import { fill, h, newId } from "../../core/dom.ts";

export interface Control<T> {
  element: HTMLElement;
  show(value: T): void;
}

export type Choices = readonly (readonly [value: string, text: string])[];

/** One of few, all of them seen. */
export function segmented(legend: string, choices: Choices, chosen: (value: string) => void): Control<string> & { choices(list: Choices): void } {
  const name = newId("choice");
  const title = h("legend", null, legend);
  const element = h("fieldset", { class: "segmented" });
  let inputs: HTMLInputElement[] = [];
  let now = "";
  const build = (list: Choices) => {
    inputs = list.map(([value]) => h("input", { type: "radio", name, value, onchange: () => chosen((now = value)) }));
    fill(element, title, ...list.map(([, text], i) => h("label", null, inputs[i]!, h("span", null, text))));
    show(now);
  };
  const show = (value: string) => {
    now = value;
    for (const input of inputs) input.checked = input.value === value;
  };
  build(choices);
  return { element, show, choices: build };
}

/** One of many, from a list that opens. */
export function select(label: string, choices: Choices, chosen: (value: string) => void): Control<string> & { choices(list: Choices): void } {
  const list = h("select", { onchange: () => chosen(list.value) });
  const element = h("label", { class: "control" }, h("span", null, label), list);
  const build = (next: Choices) => {
    const now = list.value;
    fill(list, ...next.map(([value, text]) => h("option", { value }, text)));
    list.value = now;
  };
  build(choices);
  return { element, show: (value) => void (list.value = value), choices: build };
}

export function check(text: string, meaning: string, changed: (on: boolean) => void): Control<boolean> {
  const input = h("input", { type: "checkbox", onchange: () => changed(input.checked) });
  return { element: h("label", { class: "check", title: meaning }, input, text), show: (on) => void (input.checked = on) };
}
