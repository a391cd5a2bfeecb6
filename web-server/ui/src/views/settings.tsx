import { LICENCES_URL } from 'waymark:assets'
import { t } from '../i18n'
import { helpOpen } from '../keyboard'
import { server, user } from '../store'
import { Icon } from '../ui/icons'
import { LangSelect, LiteSelect, ShortcutsSelect, ThemeSelect } from './choices'
import { logout } from './session'
import { Telegram } from './telegram'

export function SettingsPage() {
  const u = user.value
  return (
    <div class="page-body">
      <header class="page-head"><h1>{t('nav.settings')}</h1></header>
      <section class="box">
        <h2>{t('settings.profile')}</h2>
        <div class="profile">
          <span class="avatar" aria-hidden="true">{initials(u?.name || u?.email || '?')}</span>
          <div class="profile-text">
            <b class="clip">{u?.name || u?.email}</b>
            <span class="muted clip">{u?.email}{u?.administrator ? ` · ${t('settings.admin')}` : ''}</span>
          </div>
          <button type="button" data-action="logout" onClick={() => void logout()}><Icon name="logout" size={18} /> {t('settings.logout')}</button>
        </div>
      </section>
      <Telegram />
      <section class="box">
        <h2>{t('settings.view')}</h2>
        <div class="choices"><LangSelect /><ThemeSelect /><LiteSelect /><ShortcutsSelect /></div>
        <p class="muted small">{t('settings.liteHelp')}</p>
        <button type="button" onClick={() => (helpOpen.value = true)}><Icon name="help" size={18} /> {t('keys.title')}</button>
      </section>
      <p class="muted small foot">
        Waymark {server.value.version ?? ''} · <a href={LICENCES_URL} target="_blank" rel="noopener">{t('settings.licences')}</a>
      </p>
    </div>
  )
}

function initials(name: string): string {
  const words = name.split(/[\s@.]+/).filter(Boolean)
  return ((words[0]?.[0] ?? '?') + (words[1]?.[0] ?? '')).toUpperCase()
}
