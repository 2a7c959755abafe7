import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { alongside, callstream, folder, type HandMade, lines } from "./Callstream.ts"
import * as MockServer from "./MockServer.ts"

/** A run against a mock server, with the number of its requests. */
const run = Effect.fnUntraced(function* (server: HandMade, args: ReadonlyArray<string>) {
  const cwd = yield* folder
  const ran = yield* callstream(args, { cwd, env: { AGNI_BASE_URL: server.url } })
  return { ...ran, requests: server.requests.length }
})

const exportTo = (...args: ReadonlyArray<string>) => ["export", ...args, "--to", "-"]

describe("a mock server that answers with the example of the contract", () => {
  it.live(
    "check says what cannot be seen, and finds no limit where there is one call",
    () =>
      Effect.gen(function* () {
        const { code, stdout } = yield* run(yield* MockServer.ofExample, ["check"])
        assert.strictEqual(code, 0)
        assert.match(stdout, /nothing can be proven/)
        assert.match(stdout, /no start +1 among 1 call/)
        assert.notMatch(stdout, /could not be read|at most/)
      }),
    alongside
  )

  it.live(
    "plan says that nothing can be proven",
    () =>
      Effect.gen(function* () {
        const { code, stdout } = yield* run(yield* MockServer.ofExample, ["plan"])
        assert.strictEqual(code, 0)
        assert.match(stdout, /nothing can be proven/)
        assert.match(stdout, /calls +1, counted; about 1 have no start time/)
      }),
    alongside
  )

  it.live.each(["--since 7d", "--walk history", "--walk pages", "--walk pages --since 7d"])(
    "export %s delivers the call once, as one without a start, and proves nothing",
    (args) =>
      Effect.gen(function* () {
        const { code, stderr, stdout } = yield* run(yield* MockServer.ofExample, exportTo(...args.split(" ")))
        assert.strictEqual(code, args.includes("pages") ? 0 : 3, stderr)
        assert.deepStrictEqual(
          lines(stdout).map(({ startedAt }) => startedAt),
          ["<string>"]
        )
        assert.notMatch(stderr, /dead-letters|records? rejected/)
        assert.notMatch(stderr, /^ *Complete (as of|up to)/m)
      }),
    alongside
  )
})

const commands: ReadonlyArray<ReadonlyArray<string>> = [["check"], ["plan"], exportTo()]

const variants: ReadonlyArray<ReadonlyArray<string>> = [
  ["plan", "--since", "7d"],
  exportTo("--since", "7d"),
  exportTo("--newest", "5"),
  exportTo("--walk", "pages")
]

const servers: ReadonlyArray<MockServer.Random> = [
  { seed: 1, success: 1, times: false, sparse: false },
  { seed: 2, success: 0.5, times: false, sparse: false },
  { seed: 3, success: 0.5, times: true, sparse: false },
  { seed: 4, success: 0.5, times: false, sparse: true },
  { seed: 5, success: 0, times: false, sparse: false }
]

describe("a mock server that makes its answers up", () => {
  for (const options of servers) {
    // The variants once: each is a process. `check` of starts made up waits half a minute before its retries.
    const usual = options.times ? commands.slice(1) : commands
    const all = options.seed === 2 ? [...commands, ...variants] : usual
    it.live.each(all.map((args) => [args.join(" "), args] as const))(
      `${JSON.stringify(options)}: %s ends after few requests, and proves nothing`,
      ([, args]) =>
        Effect.gen(function* () {
          const { code, requests, stderr, stdout } = yield* run(yield* MockServer.random(options), args)
          assert.notMatch(stdout + stderr, /^ *Complete (as of|up to)|can be proven complete/m)
          // Answers are drawn in the order in which requests come, which is another one each time: up to 526 were seen.
          assert.isBelow(requests, 700)
          // A few rows with starts may come in an order by chance, and bounds are what shows that nothing holds.
          if (!options.times) {
            assert.strictEqual(code, 1, stderr)
            const made = /makes its answers up, as a mock server does|with an error, though/
            assert.match(stderr, options.success === 0 ? /with an error, though/ : made)
          } else if (code === 0) {
            assert.match(stdout + stderr, /nothing can be proven|may be missing/)
          } else {
            assert.oneOf(code, [1, 3], stderr)
          }
        }),
      alongside
    )
  }
})
