import { useSignal } from '@preact/signals'
import * as api from '../api'
import { t } from '../i18n'
import { server } from '../store'
import { Logo } from '../ui/icons'
import { LangSelect, ThemeSelect } from './choices'
import { enter } from './session'

/** Login, and on the first run the form that makes the administrator. */
export function LoginPage() {
  const first = server.value.newServer === true
  const busy = useSignal(false)
  const error = useSignal('')
  const submit = async (e: SubmitEvent) => {
    e.preventDefault()
    const f = new FormData(e.currentTarget as HTMLFormElement)
    const get = (k: string) => String(f.get(k) ?? '').trim()
    const password = String(f.get('password') ?? '')
    busy.value = true
    error.value = ''
    try {
      if (first) await api.createUser(get('name'), get('email'), password)
      enter(await api.login(get('email'), password))
    } catch (err) {
      const refused = err instanceof api.ApiError && err.status === 401
      error.value = refused ? t('login.refused') : err instanceof api.ApiError ? err.message : t('server.unreachable')
    } finally {
      busy.value = false
    }
  }
  return (
    <main class="login">
      <section class="login-card">
        <div class="login-brand"><Logo size={44} /><span>Waymark</span></div>
        <h1>{t(first ? 'login.createAdmin' : 'login.title')}</h1>
        <p class="muted">{t(first ? 'login.createAdminHelp' : 'login.help')}</p>
        <form onSubmit={submit} class="stack">
          {first && <Field id="name" label={t('name')} autocomplete="name" autofocus />}
          <Field id="email" label={t('email')} type={first ? 'email' : 'text'} autocomplete="username" autofocus={!first} />
          <Field id="password" label={t('password')} type="password" autocomplete={first ? 'new-password' : 'current-password'} />
          {error.value && <p class="error" role="alert">{error.value}</p>}
          <button type="submit" class="primary big" disabled={busy.value}>
            {busy.value ? t('wait') : t(first ? 'login.createAndEnter' : 'login.enter')}
          </button>
        </form>
      </section>
      <footer class="login-foot"><LangSelect /><ThemeSelect /></footer>
    </main>
  )
}

interface FieldProps { id: string; label: string; type?: 'text' | 'email' | 'password'; autocomplete: 'name' | 'username' | 'new-password' | 'current-password'; autofocus?: boolean }

function Field({ id, label, type = 'text', autocomplete, autofocus }: FieldProps) {
  return (
    <label class="field">
      <span>{label}</span>
      <input id={id} name={id} type={type as 'text'} autocomplete={autocomplete} autofocus={autofocus} required autocapitalize="off" spellcheck={false} />
    </label>
  )
}
