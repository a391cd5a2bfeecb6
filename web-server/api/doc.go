// Package api is Waymark's HTTP side: the REST interface and the WebSocket that
// existing tracking clients speak, and the door to the web interface.
//
// Times are ISO 8601 with milliseconds and offset, speed is knots, distances
// are metres. Reading and writing answer 200 with the object, removing answers
// 204. Without (or with wrong) credentials the answer is 401, what is not
// allowed 403, what does not exist or may not be seen 404 (nobody can tell the
// two apart), other mistakes 400 with a text for people.
//
// Handlers call the store; they hold no SQL and decide no permission: package
// auth does.
package api
