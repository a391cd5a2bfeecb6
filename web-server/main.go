// Command web-server serves the page and the API.
package main

import "github.com/waymark-gps/waymark/web-server/service"

func main() { service.Program().Main() }
