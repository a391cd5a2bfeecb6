import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import * as api from '../api'
import { dateTimeText } from '../format'
import { t } from '../i18n'
import type { TelegramInvite, TelegramLink } from '../types'
import { Icon } from '../ui/icons'

const POLL_MS = 3000

/** Connects this account to a chat with the bot. */
export function Telegram() {
  const link = useSignal<TelegramLink | null>(null)
  const invite = useSignal<TelegramInvite | null>(null)
  const error = useSignal('')

  const fail = (e: unknown) => (error.value = e instanceof Error ? e.message : String(e))
  const look = async () => {
    const now = await api.telegramState()
    link.value = now
    if (now.connected) invite.value = null
  }
  useEffect(() => {
    look().catch(fail)
  }, [])
  // While a code is shown, wait for the chat to use it.
  const waiting = invite.value !== null
  useEffect(() => {
    if (!waiting) return
    const timer = setInterval(() => void look().catch(() => {}), POLL_MS)
    return () => clearInterval(timer)
  }, [waiting])

  const connect = async () => {
    error.value = ''
    try {
      invite.value = await api.telegramInvite()
    } catch (e) {
      fail(e)
    }
  }
  const disconnect = async () => {
    error.value = ''
    try {
      await api.telegramUnlink()
      await look()
    } catch (e) {
      fail(e)
    }
  }
  const code = invite.value
  return (
    <section class="box" data-telegram={link.value?.connected ? 'on' : 'off'}>
      <h2>Telegram</h2>
      {link.value?.connected
        ? (
          <div class="profile">
            <span class="avatar telegram"><Icon name="send" size={18} /></span>
            <div class="profile-text"><b>{t('telegram.connected')}</b><span class="muted clip">{link.value.name}</span></div>
            <button type="button" onClick={() => void disconnect()}>{t('telegram.disconnect')}</button>
          </div>
        )
        : (
          <>
            <p class="muted">{t('telegram.help')}</p>
            {!code && <button type="button" class="primary" onClick={() => void connect()}><Icon name="send" size={18} /> {t('telegram.connect')}</button>}
          </>
        )}
      {code && (
        <div class="invite">
          {code.url
            ? <a class="button primary" href={code.url} target="_blank" rel="noopener noreferrer"><Icon name="send" size={18} /> {t('telegram.open')}</a>
            : <p>{t('telegram.sendCode')}</p>}
          <p class="invite-code"><span class="muted">{t('telegram.code')}</span> <code>{code.code}</code></p>
          <p class="waiting" role="status"><span class="pulse" />{t('telegram.waiting', { time: dateTimeText(Date.parse(code.expiresAt)) })}</p>
        </div>
      )}
      {error.value && <p class="error" role="alert">{error.value}</p>}
    </section>
  )
}
