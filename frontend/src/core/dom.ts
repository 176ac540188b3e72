// Making elements: h("button", { class: "button", onclick }, "Save").

export type Child = Node | string | number | null | undefined | false;
type Attributes = Record<string, unknown>;

/** An element with attributes, properties (`onclick`, `value`, `checked` ...) and children. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attributes?: Attributes | null, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on") || ["value", "checked", "disabled", "hidden", "selected", "indeterminate"].includes(name)) {
      (element as unknown as Attributes)[name] = value;
    } else {
      element.setAttribute(name === "className" ? "class" : name, value === true ? "" : String(value));
    }
  }
  append(element, ...children);
  return element;
}

/** Add children; what is null, undefined or false is left out. */
export function append(parent: Node, ...children: Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    parent.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** Replace what an element holds. */
export function fill(parent: Element, ...children: Child[]): void {
  parent.replaceChildren();
  append(parent, ...children);
}

let last = 0;
/** An id that no other element of the page has. */
export function newId(prefix: string): string {
  return `${prefix}-${++last}`;
}
