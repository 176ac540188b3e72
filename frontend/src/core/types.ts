// What the server says, as it says it. The Python side of every type is in src/linearscope/studio/schema.py.

export type Kind = "classification" | "super-resolution" | "image-to-image";
export type FieldKind = "row" | "column";

export interface Model {
  name: string;
  title: string;
  weights: string;
  licence: string;
  /** Null for a network that has not been captured yet and says nothing of itself. */
  kind: Kind | null;
  preprocessing: string;
  /** Sides in pixels of the middle of a photo that it can be shown; empty for a network of one size. */
  sides: number[];
  /** The photo it is shown first. */
  image: string;
}

export interface Photo {
  id: string;
  title: string;
  width: number;
  height: number;
  bundled: boolean;
  /** Where it is from, such as "CC0, Rachel Michetti"; empty for an upload. */
  credit: string;
}

export interface MethodInfo {
  name: string;
  title: string;
  family: string;
  source: string;
  /** "no", "may" or "yes": whether it reads a feature map. */
  layer: string;
  /** Whether it is asked at first. */
  first: boolean;
  /** Why the page cannot ask it and what to do, in two sentences; empty for a method that it can ask. */
  needs: string;
}

export interface Studio {
  version: string;
  models: Model[];
  images: Photo[];
  methods: MethodInfo[];
  variants: string[];
  limits: { upload_bytes: number; upload_pixels: number; vectors: number; methods: number; epsilon: number };
  /** What is shown first. */
  model: string;
  image: string;
}

export interface Certificate {
  reconstruction: number;
  adjoint: number;
  tolerance: number;
  dtype: string;
  interpretation: string;
  frozen: Record<string, number>;
  notes: string[];
}

export interface Score {
  index: number;
  name: string;
  score: number;
}

export interface AttackInfo {
  /** The subject that was attacked. */
  of: string;
  /** In 8-bit pixel levels. */
  epsilon: number;
  label: Score;
  before: Score;
  after: Score;
  success: boolean;
}

/** A network on one photo: a captured Program, interpreted. */
export interface Subject {
  id: string;
  model: string;
  image: string;
  /** Side in pixels of the middle that is looked at; null for a network of one size. */
  side: number | null;
  kind: Kind;
  /** (C, H, W) */
  input_shape: number[];
  /** (n) for scores, (D, H', W') for an image */
  output_shape: number[];
  /** Output pixels an input pixel: 1 or more; 0 for scores. */
  scale: number;
  /** Names of the channels in the model's order, such as ["B", "G", "R"]. */
  input_channels: string[];
  output_channels: string[];
  /** What pixels 0 and 255 of the output are in the model's units, one a channel; empty for scores. */
  output_lower: number[];
  output_upper: number[];
  operations: number;
  certificate: Certificate;
  /** The ten largest; empty for an image. */
  scores: Score[];
  attack: AttackInfo | null;
  /** Seconds that capturing and interpreting took. */
  seconds: number;
  /** What must be known, one sentence each. */
  notes: string[];
}

export interface FieldHeader {
  kind: FieldKind;
  /** Null: all channels at once. */
  channel: number | null;
  row: number;
  column: number;
  /** (C, H, W) of the whole filter. */
  shape: [number, number, number];
  /** Where the window that is sent begins. */
  start: [number, number, number];
  /** (y, x): where the pixel lies in the filter's image. */
  point: [number, number];
  energy: number;
  radii: Record<"0.5" | "0.9" | "0.99", number>;
  centroid: [number, number];
  orientation: number | null;
  frequency: number | null;
  /** Share of the energy more than `near` pixels away. */
  far: number;
  near: number;
  seconds: number;
}

export interface LayerShare {
  layer: string;
  share: number;
  /** Whether it has a map over places. */
  map: boolean;
}

export interface ContributionsInfo {
  target: Score;
  /** Share of the pixels, (F x)[target]. */
  input: number;
  layers: LayerShare[];
  error: number;
}

export interface LayerMapHeader {
  target: number;
  layer: string;
  share: number;
}

export interface DiscussionHeader {
  variant: string;
  targets: Score[];
  scale: number[];
}

export interface VotesInfo {
  variant: string;
  pool: number;
  /** Most votes first. */
  ranking: (Score & { share: number })[];
}

export interface SpectrumStep {
  products: number;
  most: number;
  wanted: number;
  converged: number;
  /** The largest residual of those wanted, divided by the largest singular value; null while there are too few. */
  residual: number | null;
}

export interface Triplet {
  index: number;
  value: number;
  /** The larger of |F v - s u| and |F^T u - s v|. */
  residual: number;
  /** <v, x>: the photo's part along the eigen-input. */
  coefficient: number;
}

export interface SpectrumDone {
  triplets: (Triplet & { converged: boolean })[];
  clusters: number[][];
  products: number;
  tol: number;
  complete: boolean;
  seconds: number;
  notes: string[];
}

export interface CheckInfo {
  name: string;
  expected: number;
  found: number;
  error: number;
  /** What the check may miss: rounding for an identity, the error that the method itself promises otherwise. */
  tolerance: number;
  holds: boolean;
}

export interface Answer {
  method: string;
  title: string;
  family: string;
  source: string;
  kind: "positive" | "magnitude" | "signed";
  layer: string | null;
  seconds: number;
  /** Share of the map's size in the tenth of its pixels where it is largest; null for a map of zeros. */
  concentration: number | null;
  check: CheckInfo | null;
}

export interface PagePlan {
  kind: FieldKind;
  stride: number;
  positions: number;
  bytes: number;
  seconds: number;
}

export interface ErrorBody {
  error: { code: string; message: string };
}
