export async function POST({ request, session, redirect }) {
  const name = String((await request.formData()).get('name') ?? '').trim();
  if (!name || name.length > 40) return new Response('A name has 1 to 40 characters.', { status: 400 });
  await session.regenerate();
  session.set('name', name);
  return redirect('/', 303);
}
