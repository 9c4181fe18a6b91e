import { gate } from './_gates.js';

export async function GET({ params }) {
  await gate(params.name).reached.promise;
  return new Response();
}

export function POST({ params }) {
  gate(params.name).open.resolve();
  return new Response();
}
