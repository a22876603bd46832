import { useEffect, useRef, useState } from 'preact/hooks';

import { ApiError, explain } from '../api/http';
import { signIn } from '../api/hub';
import { isPage, navigate, safeReturn, usePlace } from '../lib/router';
import { useStore } from '../lib/store';
import { productName } from '../product';
import { enter, session, signOut } from '../session';
import { Button } from '../ui/button';
import { Notice } from '../ui/dialog';
import { Field } from '../ui/field';
import { Mark } from '../ui/icon';
import { Avatar } from '../ui/logo';
import { ThemeSwitch } from '../shell/theme';

function leaveTo(to: string): void {
  if (isPage(to)) navigate(to, { replace: true });
  else location.assign(to);
}

/** Signs a user in, for the console itself and for other sign-ins that come with return_to. */
export function Login() {
  const s = useStore(session);
  const { search } = usePlace();
  const params = new URLSearchParams(search);
  const to = safeReturn(params.get('return_to'));
  // Whoever asks for the sign-in may want the password again, though there is a session.
  const again = params.get('prompt') === 'login';
  const inside = isPage(to);

  useEffect(() => {
    document.title = `Sign in · ${productName}`;
  }, []);
  useEffect(() => {
    // Somebody who is signed in goes on at once, unless another program asked for the sign-in: that might send him back
    // here at once, so it's his to say.
    if (s.state === 'in' && inside && !again) leaveTo(to);
  }, [s.state, inside, to, again]);

  const known = s.state === 'in' && !again;
  if (known && inside) return null;
  return (
    <div class="login">
      <div class="login-theme"><ThemeSwitch /></div>
      <main class="login-card" data-testid="page-login">
        <Mark size={44} />
        <h1>{known ? 'Continue' : `Sign in to ${productName}`}</h1>
        {s.state === 'out' && s.expired && <Notice kind="warning" testid="session-expired">Your session has ended. Sign in again to go on where you were.</Notice>}
        {s.state === 'in' && again && <p class="intro">To go on, sign in again.</p>}
        {known ? <Continue to={to} /> : <Form inside={inside} to={to} />}
      </main>
      <aside class="login-side" aria-hidden="true">
        <Pattern />
        <p>Your apps, one set of data,<br />one view of the business.</p>
      </aside>
    </div>
  );
}

function Continue({ to }: { to: string }) {
  const s = session.get();
  if (s.state !== 'in') return null;
  const name = `${s.user.name} ${s.user.surname}`.trim() || s.user.email;
  return (
    <>
      <p class="intro">An app asks you to sign in.</p>
      <div class="identity"><Avatar name={name} /><div><b>{name}</b><span>{s.user.email}</span></div></div>
      <Button look="primary" data-testid="login-continue" onClick={() => leaveTo(to)}>Continue as {s.user.name || name}</Button>
      <Button look="quiet" data-testid="login-other" onClick={() => void signOut().then(() => navigate(`/login?return_to=${encodeURIComponent(to)}`))}>Use another account</Button>
    </>
  );
}

function Form({ to, inside }: { to: string; inside: boolean }) {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [seen, setSeen] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');
  const [missing, setMissing] = useState<{ email?: string; password?: string }>({});
  const form = useRef<HTMLFormElement>(null);

  const submit = async (e: Event): Promise<void> => {
    e.preventDefault();
    if (busy) return;
    // The browser's own filling-in doesn't always tell the page, so the form is asked.
    const data = new FormData(form.current ?? undefined);
    const mail = String(data.get('email') ?? '').trim();
    const secret = String(data.get('password') ?? '');
    const gaps = { ...(mail ? {} : { email: 'Enter your e-mail address.' }), ...(secret ? {} : { password: 'Enter your password.' }) };
    setMissing(gaps);
    setError('');
    if (Object.keys(gaps).length) {
      form.current?.querySelector<HTMLElement>(gaps.email ? '[name=email]' : '[name=password]')?.focus();
      return;
    }
    setBusy(true);
    try {
      const user = await signIn(mail, secret);
      if (!user) throw new ApiError(500, 'internal', 'no user');
      if (!inside) return location.assign(to);
      enter(user);
      leaveTo(to);
    } catch (failure) {
      setBusy(false);
      const refused = failure instanceof ApiError && (failure.status === 401 || failure.status === 403 || failure.status === 422);
      setError(refused ? 'The e-mail address or the password is wrong.' : explain(failure).text);
      if (refused) form.current?.querySelector<HTMLInputElement>('[name=password]')?.select();
    }
  };

  return (
    <form ref={form} class="login-form" noValidate onSubmit={(e) => void submit(e)}>
      <Field label="E-mail address" error={missing.email}>
        {(a) => <input {...a} type="email" name="email" autoComplete="username" autoFocus value={email} onInput={(e) => setEmail(e.currentTarget.value)} data-testid="login-email" />}
      </Field>
      <Field label="Password" error={missing.password}>
        {(a) => (
          <div class="with-button">
            <input {...a} type={(seen ? 'text' : 'password') as 'password'} name="password" autoComplete="current-password" value={password} onInput={(e) => setPassword(e.currentTarget.value)} data-testid="login-password" />
            <button type="button" class="text-button" aria-pressed={seen} onClick={() => setSeen(!seen)}>{seen ? 'Hide' : 'Show'}<span class="hidden"> password</span></button>
          </div>
        )}
      </Field>
      {error && <Notice kind="danger" testid="login-error">{error}</Notice>}
      <Button type="submit" look="primary" busy={busy} data-testid="login-submit">Sign in</Button>
    </form>
  );
}

/** Lines that meet in one point, as data of many apps does. */
function Pattern() {
  const lines = Array.from({ length: 9 }, (_, i) => 40 + i * 65);
  // A point of the curve that leads from the left to the middle.
  const on = (y: number, t: number): { cx: number; cy: number } => {
    const mix = (a: number, b: number, c: number, d: number): number => a * (1 - t) ** 3 + 3 * b * t * (1 - t) ** 2 + 3 * c * t ** 2 * (1 - t) + d * t ** 3;
    return { cx: mix(-20, 180, 220, 400), cy: mix(y, y, 300, 300) };
  };
  return (
    <svg class="pattern" viewBox="0 0 600 600" preserveAspectRatio="xMidYMid slice">
      {lines.map((y, i) => <path key={y} d={`M-20 ${y} C 180 ${y}, 220 300, 400 300 S 560 ${300 + (i - 4) * 26}, 640 ${300 + (i - 4) * 40}`} />)}
      {lines.map((y, i) => <circle key={y} {...on(y, 0.22 + ((i * 5) % 9) * 0.045)} r="5" class={i % 3 === 1 ? 'warm' : ''} />)}
      <circle cx="400" cy="300" r="13" class="hub" />
    </svg>
  );
}
