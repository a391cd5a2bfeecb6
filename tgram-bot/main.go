// Command tgram-bot is the Telegram bot.
package main

import "github.com/waymark-gps/waymark/tgram-bot/service"

func main() { service.Program().Main() }
