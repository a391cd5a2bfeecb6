import { effect, signal } from '@preact/signals'
import { render, type ComponentType } from 'preact'
import * as api from './api'
import { t } from './i18n'
import { server, user } from './store'
import { Logo } from './ui/icons'
import { LoginPage } from './views/login'
import { enter, leave } from './views/session'

// The first chunk: who is there? The map and everything else load after it.

const phase = signal<'asking' | 'ready' | 'unreachable'>('asking')
const Shell = signal<ComponentType | null>(null)

async function ask(): Promise<void> {
  phase.value = 'asking'
  try {
    const [info, session] = await Promise.all([api.getServer(), api.getSession()])
    server.value = info
    if (session) enter(session)
    phase.value = 'ready'
  } catch {
    phase.value = 'unreachable'
    setTimeout(() => void ask(), 3000)
  }
}

effect(() => {
  if (user.value && !Shell.peek()) void import('./views/shell').then((m) => (Shell.value = m.Shell))
})

// Any answer "not signed in" leads back to the login page.
effect(() => {
  if (api.signedOut.value > 0 && user.peek()) leave()
})

function App() {
  if (phase.value !== 'ready') {
    return (
      <main class="splash">
        <Logo size={56} />
        <p role="status">{phase.value === 'asking' ? '' : t('server.unreachable')}</p>
      </main>
    )
  }
  if (!user.value) return <LoginPage />
  const S = Shell.value
  return S ? <S /> : <main class="splash"><Logo size={56} /></main>
}

render(<App />, document.getElementById('app')!)
void ask()
