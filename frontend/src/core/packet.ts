// Arrays from the server: four bytes N (little endian), N bytes of JSON, then the arrays, each at a multiple of 4.

export type Values = Float32Array | Uint8Array | Int32Array;

export interface Layout {
  name: string;
  dtype: "float32" | "uint8" | "int32";
  shape: number[];
  offset: number;
}

export interface Picture<T extends Values = Values> {
  shape: number[];
  values: T;
}

export interface Packet<Header> {
  header: Header;
  arrays: Record<string, Picture>;
}

const KINDS = { float32: Float32Array, uint8: Uint8Array, int32: Int32Array } as const;

/** Take a packet apart. Throws where it is cut short. */
export function unpack<Header>(buffer: ArrayBuffer): Packet<Header> {
  const length = buffer.byteLength >= 4 ? new DataView(buffer).getUint32(0, true) : Infinity;
  const body = 4 + length;
  if (body > buffer.byteLength) throw new Error("The server's answer is cut short.");
  const parsed = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length))) as {
    header: Header;
    arrays: Layout[];
  };
  const arrays: Record<string, Picture> = {};
  for (const { name, dtype, shape, offset } of parsed.arrays) {
    const count = shape.reduce((product, extent) => product * extent, 1);
    const kind = KINDS[dtype];
    if (body + offset + count * kind.BYTES_PER_ELEMENT > buffer.byteLength) {
      throw new Error("The server's answer is cut short.");
    }
    arrays[name] = { shape, values: new kind(buffer, body + offset, count) };
  }
  return { header: parsed.header, arrays };
}

/** One float32 array of a packet by its name. */
export function floats(packet: Packet<unknown>, name: string): Picture<Float32Array> {
  const found = packet.arrays[name];
  if (!found || !(found.values instanceof Float32Array)) throw new Error(`The server's answer has no ${name}.`);
  return { shape: found.shape, values: found.values };
}

/** One uint8 array of a packet by its name. */
export function bytes(packet: Packet<unknown>, name: string): Picture<Uint8Array> {
  const found = packet.arrays[name];
  if (!found || !(found.values instanceof Uint8Array)) throw new Error(`The server's answer has no ${name}.`);
  return { shape: found.shape, values: found.values };
}
