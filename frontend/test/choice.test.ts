import assert from "node:assert/strict";
import { test } from "node:test";
import { parse, write } from "../src/core/state.ts";
import type { Kind, Model, Photo, Studio } from "../src/core/types.ts";
import { firstView, misfit, photoFor, placeOf, resolve, type Known } from "../src/shell/choice.ts";

const image = (kind: Kind) => kind !== "classification";
const views: Known[] = [
  { name: "flashlight", title: "Flashlight", keys: ["at", "kind"], fits: image },
  { name: "classification", title: "Classification", keys: ["labels"], fits: (kind) => !image(kind) },
  { name: "spectrum", title: "Spectrum", keys: ["k"], fits: image },
  { name: "compare", title: "Compare", keys: ["methods"], fits: () => true },
];

const model = (name: string, kind: Kind | null, sides: number[] = [], photo = "espresso"): Model => ({
  name, title: "", weights: "", licence: "", kind, preprocessing: "", sides, image: photo,
});
const photo = (id: string): Photo => ({ id, title: id, width: 8, height: 8, bundled: true, credit: "" });

const studio: Studio = {
  version: "1",
  models: [model("lite", "classification"), model("espcn", "super-resolution", [64, 128]), model("facades", "image-to-image", [], "facade"), model("own", null, [32, 64])],
  images: [photo("espresso"), photo("facade"), photo("upload")],
  methods: [],
  variants: [],
  limits: { upload_bytes: 1, upload_pixels: 1, vectors: 1, methods: 1, epsilon: 1 },
  model: "espcn",
  image: "espresso",
};

const from = (hash: string) => resolve(parse(hash), studio, views);

test("no address: the studio's first network, its photo, the view of its kind", () => {
  const { choice, said } = from("");
  assert.deepEqual(choice, { view: "flashlight", model: "espcn", image: "espresso", side: 128, values: {} });
  assert.deepEqual(said, []);
});

test("a whole address is taken as it is, and comes back", () => {
  const hash = "#/flashlight?model=espcn&image=upload&side=64&at=1,2,3";
  const { choice, said } = from(hash);
  assert.deepEqual(said, []);
  assert.equal(write(placeOf(choice)), hash);
});

test("a view alone brings a network that it can show", () => {
  const { choice, said } = from("#/classification");
  assert.equal(choice.model, "lite");
  assert.deepEqual(said, []);
});

test("a network alone brings its own photo", () => {
  assert.deepEqual(from("#/?model=facades").choice, { view: "flashlight", model: "facades", image: "facade", side: null, values: {} });
});

test("a view that cannot show the network gives way, and says so", () => {
  const { choice, said } = from("#/flashlight?model=lite&at=1,2,3");
  assert.deepEqual([choice.view, choice.model, choice.values], ["classification", "lite", {}]);
  assert.deepEqual(said, ["Flashlight needs a network that makes an image; this one gives labels. Choose espcn."]);
});

test("each wrong part is repaired and named", () => {
  const { choice, said } = from("#/torch?model=x&image=y&side=7&z=1");
  assert.deepEqual(choice, { view: "flashlight", model: "espcn", image: "espresso", side: 128, values: {} });
  for (const word of ["“torch”", "“x”", "photo", "“7”", "“z”"]) assert.ok(said.join(" ").includes(word), word);
  assert.equal(said.length, 5);
});

test("keys of another view go without a word only where the view gave way", () => {
  assert.equal(from("#/compare?at=1").said.length, 1);
  assert.equal(from("#/compare?methods=a").said.length, 0);
});

test("a network of one size has no side", () => {
  assert.equal(from("#/classification?model=lite&side=64").choice.side, null);
});

test("a network of unknown kind keeps the view that is asked for", () => {
  assert.deepEqual(from("#/spectrum?model=own&k=4").choice, { view: "spectrum", model: "own", image: "espresso", side: 32, values: { k: "4" } });
  assert.equal(firstView(null, views), "flashlight");
});

test("a chosen photo stays with another network; a network's own first photo does not", () => {
  const [, espcn, facades] = studio.models as [Model, Model, Model];
  assert.equal(photoFor(facades, { model: espcn, image: "espresso" }, studio.images), "facade");
  assert.equal(photoFor(facades, { model: espcn, image: "upload" }, studio.images), "upload");
  assert.equal(photoFor(facades, { model: espcn, image: "gone" }, studio.images), "facade");
});

test("advice is given only where there is something to choose", () => {
  const only = { ...studio, models: [studio.models[0]!] };
  assert.match(misfit(views[0]!, "classification", only), /started without one/);
});
