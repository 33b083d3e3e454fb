// Making elements. Text only ever becomes text: nothing here, and nothing in the page, reads markup
// out of a string, so that labels can say what they like.

import {visible} from "../logic/text";

export type Child = Node | string | undefined | false;

export interface Props {
  class?: string;
  text?: string;
  title?: string;
  attrs?: Readonly<Record<string, string>>;
  click?: (event: MouseEvent) => void;
}

export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props = {},
                                                         ...children: Child[]):
    HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (props.class) element.className = props.class;
  if (props.text !== undefined) element.textContent = props.text;
  if (props.title) element.title = props.title;
  for (const [name, value] of Object.entries(props.attrs ?? {})) element.setAttribute(name, value);
  const click = props.click;
  if (click) element.addEventListener("click", (event) => click(event as MouseEvent));
  append(element, children);
  return element;
}

export function svg<K extends keyof SVGElementTagNameMap>(
    tag: K, attrs: Readonly<Record<string, string | number>> = {},
    ...children: Child[]): SVGElementTagNameMap[K] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attrs)) element.setAttribute(name, String(value));
  append(element, children);
  return element;
}

function append(element: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (child !== undefined && child !== false) element.append(child);
  }
}

export function button(text: string, className: string, click: (event: MouseEvent) => void,
                       title?: string): HTMLButtonElement {
  return h("button", {class: className, text, click, attrs: {type: "button"},
                      ...(title ? {title} : {})});
}

// Sets the text where it differs: what stays the same costs no layout.
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function setClass(element: Element, name: string, on: boolean): void {
  if (element.classList.contains(name) !== on) element.classList.toggle(name, on);
}

// The value of a colour of the style sheet, for what is drawn on a canvas.
export function cssColour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// Puts a text on the clipboard. Where the browser gives none to a page that came by plain HTTP, by
// way of a selection.
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = h("textarea", {class: "offscreen"});
    area.value = text;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  }
}

// Labels as a list of `name=value`, each a button when `pick` is given.
export function labelList(labels: Readonly<Record<string, string>>,
                          pick?: (name: string, value: string) => void): HTMLElement {
  const list = h("dl", {class: "labels"});
  for (const name of Object.keys(labels).sort()) {
    const value = labels[name] ?? "";
    const text = visible(value);
    const shown = h("dd", {});
    if (pick) {
      const add = button(text || "(empty)", "label-value", () => pick(name, value),
                         `Show only rows with this ${name}`);
      shown.append(add);
    } else {
      shown.textContent = text;
    }
    list.append(h("dt", {text: visible(name)}), shown);
  }
  return list;
}
