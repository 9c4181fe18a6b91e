// deno run deno_kv.ts PORT TOKEN: KV Connect, as far as reading and writing single values goes, in
// front of Deno's own KV. Whole keys are kept as one part, which keeps their order.
const [port, token] = Deno.args;
const kv = await Deno.openKv(":memory:");
const database = crypto.randomUUID();

type Field = { number: number; value: bigint | Uint8Array };
type Kept = [encoding: number, data: Uint8Array];

function decoded(data: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = () => {
    let found = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = data[at++];
      if (byte === undefined) throw new Error("cut short");
      found |= BigInt(byte & 127) << shift;
      if (byte < 128) return found;
    }
  };
  while (at < data.length) {
    const tag = Number(varint());
    if ((tag & 7) === 0) {
      fields.push({ number: tag >> 3, value: varint() });
    } else if ((tag & 7) === 2) {
      const length = Number(varint());
      if (at + length > data.length) throw new Error("cut short");
      fields.push({ number: tag >> 3, value: data.slice(at, at += length) });
    } else {
      throw new Error("a wire type that nobody sends");
    }
  }
  return fields;
}

const all = (fields: Field[], number: number) =>
  fields.filter((field) => field.number === number).map((field) => field.value as Uint8Array);
const bytes = (fields: Field[], number: number) => all(fields, number).at(-1) ?? new Uint8Array();
const integer = (fields: Field[], number: number) =>
  Number((all(fields, number).at(-1) as unknown as bigint) ?? 0n);

function varint(number: number): number[] {
  const found = [];
  for (; number > 127; number = Math.floor(number / 128)) found.push((number % 128) | 128);
  return [...found, number];
}
const number = (field: number, value: number) => [...varint(field << 3), ...varint(value)];
const message = (field: number, value: Iterable<number>) => {
  const content = [...value];
  return [...varint((field << 3) | 2), ...varint(content.length), ...content];
};

async function read(request: Uint8Array): Promise<number[]> {
  let ranges: number[] = [];
  for (const range of all(decoded(request), 1)) {
    const fields = decoded(range);
    const selector = { start: [bytes(fields, 1)], end: [bytes(fields, 2)] };
    let found: number[] = [];
    for await (const entry of kv.list<Kept>(selector, { limit: integer(fields, 3) })) {
      const [encoding, data] = entry.value;
      found = found.concat(message(1, [
        ...message(1, entry.key[0] as Uint8Array),
        ...message(2, data),
        ...number(3, encoding),
        ...message(4, Uint8Array.fromHex(entry.versionstamp)),
      ]));
    }
    ranges = ranges.concat(message(1, found));
  }
  return [...ranges, ...number(4, 1), ...number(8, 1)];
}

async function write(request: Uint8Array): Promise<number[]> {
  const fields = decoded(request);
  const operation = kv.atomic();
  for (const check of all(fields, 1).map(decoded)) {
    const versionstamp = bytes(check, 2);
    operation.check({
      key: [bytes(check, 1)],
      versionstamp: versionstamp.length ? versionstamp.toHex() : null,
    });
  }
  for (const mutation of all(fields, 2).map(decoded)) {
    const key = [bytes(mutation, 1)];
    const expires = integer(mutation, 4);
    if (integer(mutation, 3) === 1) {
      const value = decoded(bytes(mutation, 2));
      const options = expires ? { expireIn: Math.max(1, expires - Date.now()) } : undefined;
      operation.set(key, [integer(value, 2), bytes(value, 1)], options);
    } else {
      operation.delete(key);
    }
  }
  const result = await operation.commit();
  if (!result.ok) return number(1, 2);
  return [...number(1, 1), ...message(2, Uint8Array.fromHex(result.versionstamp))];
}

const refusal = (status: number, text: string) => new Response(text, { status });

Deno.serve({ hostname: "127.0.0.1", port: Number(port) }, async (request) => {
  if (request.headers.get("authorization") !== `Bearer ${token}`) {
    return refusal(401, "Invalid access token");
  }
  const path = new URL(request.url).pathname;
  if (path === "/") {
    const { supportedVersions } = await request.json();
    if (!supportedVersions.includes(3)) return refusal(400, "no version in common");
    return Response.json({
      version: 3,
      databaseId: database,
      endpoints: [{ url: "/v2", consistency: "strong" }],
      token,
      expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    });
  }
  if (request.headers.get("x-denokv-database-id") !== database) {
    return refusal(400, "another database");
  }
  const body = new Uint8Array(await request.arrayBuffer());
  const calls: Record<string, (request: Uint8Array) => Promise<number[]>> = {
    "/v2/snapshot_read": read,
    "/v2/atomic_write": write,
  };
  if (!(path in calls)) return refusal(404, "not found");
  try {
    const answer = new Uint8Array(await calls[path](body));
    return new Response(answer, { headers: { "content-type": "application/x-protobuf" } });
  } catch (error) {
    return refusal(400, (error as Error).message);
  }
});
