// Every way of asking the server. Questions can be dropped by an AbortSignal; the server then drops the work.

import { unpack, type Packet } from "./packet.ts";
import type {
  ContributionsInfo,
  DiscussionHeader,
  ErrorBody,
  FieldHeader,
  FieldKind,
  LayerMapHeader,
  PagePlan,
  Photo,
  Score,
  Studio,
  Subject,
} from "./types.ts";

/** What the server refused, in its own sentence. `code` is one of its words, such as "superseded". */
export class Refusal extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

export type Query = Record<string, string | number | null | undefined>;

/** A path with its query; what is null or undefined is left out. */
export function address(path: string, query: Query = {}): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined) given.set(name, String(value));
  }
  const text = given.toString();
  return text ? `${path}?${text}` : path;
}

/** Whether an error only says that a question was dropped by whoever asked it, or overtaken by a newer one. */
export function wasDropped(error: unknown): boolean {
  return (error instanceof DOMException && error.name === "AbortError") || (error instanceof Refusal && error.code === "superseded");
}

function unreachable(): Refusal {
  return new Refusal("unreachable", `The studio's server does not answer. Start it again with \`linearscope studio --port ${location.port}\`.`, 0);
}

/** What is read of an answer that has begun: where it breaks off, the server has ended. */
function whole<T>(reading: Promise<T>): Promise<T> {
  return reading.catch((error: unknown) => {
    throw wasDropped(error) ? error : unreachable();
  });
}

export class Api {
  /** Names this page to the server, so that its new question drops its own old one and no one else's. */
  readonly visitor = crypto.getRandomValues(new Uint32Array(2)).join("-");

  /** `answered` is told whenever the server says anything. */
  constructor(private readonly answered: () => void = () => undefined) {}

  studio(signal?: AbortSignal): Promise<Studio> {
    return this.json("GET", "/api/studio", signal);
  }

  upload(file: Blob, name: string, signal?: AbortSignal): Promise<Photo> {
    return this.json("POST", address("/api/images", { name }), signal, file);
  }

  subject(model: string, image: string, side: number | null, signal?: AbortSignal): Promise<Subject> {
    return this.json("POST", "/api/subjects", signal, { model, image, side });
  }

  attack(subject: string, epsilon: number, label: number | null, signal?: AbortSignal): Promise<Subject> {
    return this.json("POST", `/api/subjects/${subject}/attack`, signal, { epsilon, label });
  }

  /** Arrays `input` (H, W, 3) and, of a network that makes an image, `output` (H', W', 3); uint8. */
  pictures(subject: string, signal?: AbortSignal): Promise<Packet<Record<string, never>>> {
    return this.packet(`/api/subjects/${subject}/pictures`, signal);
  }

  /** Array `values` (C, h, w): a row or a column of F in its window. A newer question of the same slot drops it. */
  field(
    subject: string,
    at: { kind: FieldKind; channel: number | null; row: number; column: number; slot?: string },
    signal?: AbortSignal,
  ): Promise<Packet<FieldHeader>> {
    return this.packet(address(`/api/subjects/${subject}/field`, at), signal);
  }

  /** All scores, in the order of their index. */
  async scores(subject: string, signal?: AbortSignal): Promise<Score[]> {
    const said = await this.json<{ scores: Score[] }>("GET", `/api/subjects/${subject}/scores`, signal);
    return said.scores;
  }

  async contributions(subject: string, targets: number[], signal?: AbortSignal): Promise<ContributionsInfo[]> {
    const path = address(`/api/subjects/${subject}/contributions`, { targets: targets.join(",") });
    return (await this.json<{ contributions: ContributionsInfo[] }>("GET", path, signal)).contributions;
  }

  /** Array `values` (h, w): where a layer's share of a score lies; of the layer "input" the pixels'. */
  layerMap(subject: string, target: number, layer: string, signal?: AbortSignal): Promise<Packet<LayerMapHeader>> {
    return this.packet(address(`/api/subjects/${subject}/layer-map`, { target, layer }), signal);
  }

  /** Array `maps` (T, H, W). */
  discussion(subject: string, targets: number[], variant: string, signal?: AbortSignal): Promise<Packet<DiscussionHeader>> {
    return this.packet(address(`/api/subjects/${subject}/discussion`, { targets: targets.join(","), variant }), signal);
  }

  /** Array `winner` (H, W), int32: who each pixel votes for among all labels. Only after the stream has ended. */
  votes(subject: string, variant: string, pool: number, signal?: AbortSignal): Promise<Packet<Record<string, never>>> {
    return this.packet(address(`/api/subjects/${subject}/votes/map`, { variant, pool }), signal);
  }

  /** Arrays `eigen_input` (C, H, W) and `eigen_output` (D, H', W') of one triplet that has converged. */
  triplet(subject: string, k: number, tol: number, index: number, signal?: AbortSignal): Promise<Packet<Record<string, never>>> {
    return this.packet(address(`/api/subjects/${subject}/spectrum/vectors`, { k, tol, index }), signal);
  }

  /** Arrays `output` and `residual` (D, H', W') in the model's units: y, and r of y = F x + r. */
  output(subject: string, signal?: AbortSignal): Promise<Packet<Record<string, never>>> {
    return this.packet(`/api/subjects/${subject}/output`, signal);
  }

  /** Arrays `heatmap` (H, W) and `values` (C, H, W) of one method that has answered. */
  heatmap(subject: string, method: string, target: number, signal?: AbortSignal): Promise<Packet<Record<string, never>>> {
    return this.packet(address(`/api/subjects/${subject}/compare/map`, { method, target }), signal);
  }

  pagePlan(subject: string, session: Query, signal?: AbortSignal): Promise<PagePlan> {
    return this.json("GET", address(`/api/subjects/${subject}/page/plan`, session), signal);
  }

  /** Events of a long computation as they come. Ends with "done"; throws a Refusal where the server says "failed". */
  async *stream(path: string, query: Query, signal?: AbortSignal): AsyncGenerator<{ event: string; data: unknown }> {
    const response = await this.ask("GET", address(path, query), signal);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    let ended = false;
    try {
      for (;;) {
        const { value, done } = await whole(reader.read());
        if (done) break;
        text += value;
        const parts = text.split("\n\n");
        text = parts.pop()!;
        for (const part of parts) {
          const event = /^event: (.*)$/m.exec(part)?.[1];
          const data = /^data: (.*)$/m.exec(part)?.[1];
          if (event === undefined || data === undefined) continue; // a heartbeat
          const parsed: unknown = JSON.parse(data);
          if (event === "failed") {
            const { code, message } = (parsed as ErrorBody).error;
            throw new Refusal(code, message, 200);
          }
          ended ||= event === "done";
          yield { event, data: parsed };
        }
      }
      if (!ended) throw new Refusal("cut", "The answer broke off before it was whole. Ask again.", 0);
    } finally {
      reader.cancel().catch(() => undefined);
    }
  }

  /** A file to be downloaded. */
  async file(path: string, signal?: AbortSignal): Promise<Blob> {
    return whole((await this.ask("GET", path, signal)).blob());
  }

  async packet<Header>(path: string, signal?: AbortSignal): Promise<Packet<Header>> {
    return unpack<Header>(await whole((await this.ask("GET", path, signal)).arrayBuffer()));
  }

  private async json<T>(method: string, path: string, signal?: AbortSignal, body?: unknown): Promise<T> {
    return (await whole((await this.ask(method, path, signal, body)).json())) as T;
  }

  private async ask(method: string, path: string, signal?: AbortSignal, body?: unknown): Promise<Response> {
    const headers: Record<string, string> = { "X-Visitor": this.visitor };
    let sent: BodyInit | null = null;
    if (body instanceof Blob) {
      headers["Content-Type"] = "application/octet-stream";
      sent = body;
    } else if (body !== undefined) {
      headers["Content-Type"] = "application/json";
      sent = JSON.stringify(body);
    }
    let response: Response;
    try {
      response = await fetch(path, { method, headers, body: sent, signal: signal ?? null, cache: "no-store" });
    } catch (error) {
      if (wasDropped(error)) throw error;
      throw unreachable();
    }
    this.answered();
    if (response.ok) return response;
    let said: ErrorBody | null = null;
    try {
      said = (await response.json()) as ErrorBody;
    } catch {
      // not one of ours
    }
    throw new Refusal(said?.error?.code ?? "error", said?.error?.message ?? `The server said ${response.status}. Load the page again.`, response.status);
  }
}
