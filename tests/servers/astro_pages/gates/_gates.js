// A gate holds a request until a test opens it, and tells the test that the request is there.
const gates = new Map();

export function gate(name) {
  if (!gates.has(name)) {
    gates.set(name, { reached: Promise.withResolvers(), open: Promise.withResolvers() });
  }
  return gates.get(name);
}

export async function pass(name) {
  const { reached, open } = gate(name);
  reached.resolve();
  await open.promise;
}
