import { added, isSold } from '../shop.js';

export async function POST({ request, session, redirect }) {
  const sku = (await request.formData()).get('sku');
  if (!isSold(sku)) return new Response('That is not sold here.', { status: 400 });
  session.set('cart', added((await session.get('cart')) ?? {}, sku));
  return redirect('/', 303);
}
