package api

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/linkcode"
)

// errBotOff is answered with 409.
var errBotOff = errors.New("the Telegram bot is off: set its token (bot.token) and start the server again")

// getTelegram tells whether the account is tied to Telegram:
// {"connected":bool,"name":string}.
func (s *Server) getTelegram(w http.ResponseWriter, r *http.Request) error {
	accounts, err := s.deps.Store.TelegramAccounts(r.Context(), identityOf(r).user.ID)
	if err != nil {
		return fmt.Errorf("read Telegram accounts: %w", err)
	}
	var latest data.TelegramAccount
	for _, a := range accounts {
		if !a.LinkedAt.Before(latest.LinkedAt) {
			latest = a
		}
	}
	b := append([]byte(nil), `{"connected":`...)
	b = strconv.AppendBool(b, len(accounts) > 0)
	b = append(b, `,"name":`...)
	b = data.AppendJSONString(b, latest.Name)
	return writeJSON(w, append(b, '}'))
}

// postTelegram makes a one-time code and a link that takes it to the bot:
// {"url","code","expiresAt"}. An earlier code of the account ends.
func (s *Server) postTelegram(w http.ResponseWriter, r *http.Request) error {
	bot := s.deps.BotUsername()
	if bot == "" {
		return errBotOff
	}
	code, hash := linkcode.New()
	expires := s.deps.Now().UTC().Add(linkcode.Lifetime)
	err := s.deps.Store.CreateTelegramCode(r.Context(), data.TelegramCode{
		CodeHash: hash, UserID: identityOf(r).user.ID, ExpiresAt: expires,
	})
	if err != nil {
		return fmt.Errorf("store Telegram code: %w", err)
	}
	s.record(r, actionCreate, "telegramCode", 0, nil)
	b := append([]byte(nil), `{"url":`...)
	b = data.AppendJSONString(b, linkcode.URL(bot, code))
	b = append(b, `,"code":`...)
	b = data.AppendJSONString(b, code)
	b = append(b, `,"expiresAt":`...)
	b = data.AppendJSONTime(b, expires)
	return writeJSON(w, append(b, '}'))
}

// deleteTelegram unties every Telegram account of the user.
func (s *Server) deleteTelegram(w http.ResponseWriter, r *http.Request) error {
	user := identityOf(r).user.ID
	accounts, err := s.deps.Store.TelegramAccounts(r.Context(), user)
	if err != nil {
		return fmt.Errorf("read Telegram accounts: %w", err)
	}
	for _, a := range accounts {
		if err := s.deps.Store.UnlinkTelegram(r.Context(), a.TelegramID); err != nil && !errors.Is(err, data.ErrNotFound) {
			return fmt.Errorf("untie Telegram account: %w", err)
		}
	}
	s.userChanged(r, data.UserChange{ID: user})
	s.record(r, actionDelete, "telegramLink", 0, map[string]any{"accounts": len(accounts)})
	return writeNothing(w)
}
