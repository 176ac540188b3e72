import assert from "node:assert/strict";
import { test } from "node:test";
import { Address, changed, parse, write, type Bar, type Place } from "../src/core/state.ts";

test("an address is read and written as it was", () => {
  const hash = "#/flashlight?model=espcn_x2&image=espresso&side=128&at=1,40,62&kind=column";
  assert.deepEqual(parse(hash), { view: "flashlight", values: { model: "espcn_x2", image: "espresso", side: "128", at: "1,40,62", kind: "column" } });
  assert.equal(write(parse(hash)), hash);
});

test("the shell's keys come first", () => {
  assert.equal(write({ view: "compare", values: { target: "3", image: "a", model: "b" } }), "#/compare?model=b&image=a&target=3");
});

test("any text survives", () => {
  for (const text of ["timm:resnet18", "net.py:make", "a b+c&d=e#f?g%", "été ½ 火", "%", ""]) {
    const place: Place = { view: "flashlight", values: { model: text, at: text } };
    assert.deepEqual(parse(write(place)), place, text);
  }
});

test("no address is an empty place, and one that is not ours a view that there is not", () => {
  for (const hash of ["", "#", "#/"]) assert.deepEqual(parse(hash), { view: "", values: {} }, hash);
  for (const name of ["flashlight?model=a", "%E0%A4%A"]) assert.deepEqual(parse(`#${name}`), { view: name, values: {} }, name);
});

test("broken escapes and repeated keys do no harm", () => {
  assert.deepEqual(parse("#/%E0%A4%A?a=1&a=2&=3&b&__proto__=4"), { view: "%E0%A4%A", values: { a: "1", b: "" } });
});

test("null takes a value away", () => {
  assert.deepEqual(changed({ a: "1", b: "2" }, { a: null, c: "3" }), { b: "2", c: "3" });
});

/** A window with a history, without a page. */
class Window implements Bar {
  entries: string[];
  at = 0;
  replaced = 0;
  private calls: Record<string, (() => void)[]> = {};
  private timers = new Map<number, () => void>();
  private last = 0;

  constructor(hash: string) {
    this.entries = [hash];
  }
  get location() {
    return { hash: this.entries[this.at]! };
  }
  readonly history = {
    replaceState: (_: unknown, __: string, url: string) => {
      this.entries[this.at] = url;
      this.replaced++;
    },
    pushState: (_: unknown, __: string, url: string) => {
      this.entries = [...this.entries.slice(0, ++this.at), url];
    },
  };
  addEventListener(type: string, call: () => void) {
    (this.calls[type] ??= []).push(call);
  }
  setTimeout(call: () => void) {
    this.timers.set(++this.last, call);
    return this.last;
  }
  clearTimeout(timer: number) {
    this.timers.delete(timer);
  }
  wait() {
    for (const [timer, call] of [...this.timers]) {
      this.timers.delete(timer);
      call();
    }
  }
  tell(type: string) {
    for (const call of this.calls[type] ?? []) call();
  }
}

const place = (at: string): Place => ({ view: "flashlight", values: { at } });

test("many replacements are one change of the bar, and the place is new at once", () => {
  const bar = new Window("#/flashlight?at=0");
  const address = new Address(bar, () => assert.fail("nobody moved"));
  for (let i = 1; i < 100; i++) address.replace(place(String(i)));
  assert.deepEqual(address.place, place("99"));
  assert.equal(bar.replaced, 0);
  bar.wait();
  assert.deepEqual([bar.replaced, bar.entries], [1, ["#/flashlight?at=99"]]);
});

test("a new entry keeps what was replaced before it, and is made once", () => {
  const bar = new Window("#/flashlight?at=0");
  const address = new Address(bar, () => assert.fail("nobody moved"));
  address.replace(place("1"));
  address.push(place("2"));
  address.push(place("2"));
  bar.wait();
  assert.deepEqual(bar.entries, ["#/flashlight?at=1", "#/flashlight?at=2"]);
});

test("Back is told, and what was about to be replaced is dropped", () => {
  const bar = new Window("#/flashlight?at=0");
  const moves: Place[] = [];
  const address = new Address(bar, (to) => moves.push(to));
  address.push(place("1"));
  address.replace(place("2"));
  bar.at = 0;
  bar.wait(); // the timer may come before the event
  bar.tell("hashchange");
  assert.deepEqual(moves, [place("0")]);
  assert.deepEqual(bar.entries, ["#/flashlight?at=0", "#/flashlight?at=1"]);
  assert.deepEqual(address.place, place("0"));
});

test("the last replacement is shown when the page goes", () => {
  const bar = new Window("");
  const address = new Address(bar, () => assert.fail("nobody moved"));
  address.replace(place("7"));
  bar.tell("pagehide");
  assert.deepEqual(bar.entries, ["#/flashlight?at=7"]);
});
