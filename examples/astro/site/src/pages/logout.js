export function POST({ session, redirect }) {
  session.destroy();
  return redirect('/', 303);
}
