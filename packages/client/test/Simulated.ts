/** A client of a simulator, by the real clock: nothing waits longer than a few milliseconds. */
import { type ClientOptions, createClient } from "@callstream/client"
import { simulate, type SimulatorOptions } from "@callstream/client/testing"

export const make = (options: SimulatorOptions = {}, clientOptions: Partial<ClientOptions> = {}) => {
  const simulator = simulate({ sessions: 105, content: "minimal", undated: 0, ...options })
  const { apiKey, fetch } = simulator
  return { simulator, client: createClient({ apiKey, fetch, ...clientOptions }) }
}

/** What a promise, or a loop, fails with. */
export const failureOf = async (run: () => unknown): Promise<unknown> => {
  try {
    await run()
  } catch (error) {
    return error
  }
  throw new Error("it should have failed")
}

export const drain = async <A>(iterable: AsyncIterable<A>): Promise<Array<A>> => {
  const all: Array<A> = []
  for await (const one of iterable) all.push(one)
  return all
}

/** Lets everything run that is ready to. */
export const turns = async (count = 50): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** The next of a loop that waits, and what is asked by then. */
export const begun = async <A>(iterable: AsyncIterable<A>) => {
  const loop = iterable[Symbol.asyncIterator]()
  const next = loop.next()
  // It is looked at later.
  next.catch(() => undefined)
  await turns()
  return { loop, next }
}
