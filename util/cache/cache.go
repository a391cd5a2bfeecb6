// Package cache keeps devices and last positions by id in bounded memory, so
// that the path of every report does not ask the database. Both caches load
// what they miss through the store, once however many ask at the same time.
//
// They are kept fresh by the messages of the bus. Those are not durable, so
// every entry also has an end of life after which it is loaded again: a lost
// message is healed within minutes.
package cache
