// Command tracker is the service that devices talk to.
package main

import "github.com/waymark-gps/waymark/tracker/service"

func main() { service.Program().Main() }
