/** A receiver that goes away and comes back, seen from the command. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { alongside, folder, simulation, until } from "../Callstream.ts"
import * as Receiver from "../torture/KillReceiver.ts"

const env = { CALLSTREAM_WEBHOOK_SECRET: "whsec_bm8gc2VjcmV0LCBqdXN0IGEgdGVzdCdzIGtleSE=" }

describe("a webhook's receiver", alongside, () => {
  it.live("that is down for three seconds gets everything, and the terminal reports it", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { simulator, start } = yield* simulation({ sessions: 60 })
      const receiver = yield* Receiver.make()
      receiver.answer(503)
      const to = ["--to", receiver.url, "--allow-private-hosts", "--batch-size", "10"]
      const { ended } = yield* start(["export", ...to], { cwd, env })
      yield* until(() => receiver.messages.length > 0)
      yield* Effect.sleep("3 seconds")
      assert.strictEqual(receiver.events.length, 0)
      receiver.answer(undefined)
      const { code, stderr } = yield* ended
      assert.strictEqual(code, 0)
      assert.match(
        stderr,
        /^warning: webhook:http:\/\/127\.0\.0\.1:\d+#\w+: the receiver answered 503: the run waits and tries again for up to 3d\nwebhook:\S+ the receiver is back after [^\n]+\n60 calls /
      )
      const got = new Set(receiver.events.map(({ sessionId }) => sessionId))
      assert.deepStrictEqual(
        [...got].sort(),
        simulator
          .truth()
          .map(({ id }) => id)
          .sort()
      )
    })
  )

  it.live("that is gone permanently ends the run, which reports it", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation()
      const receiver = yield* Receiver.make()
      receiver.answer(410)
      const { code, stderr } = yield* run(["export", "--to", receiver.url, "--allow-private-hosts"], { cwd, env })
      assert.strictEqual(code, 1)
      assert.match(
        stderr,
        /^error: .*the receiver answered 410, gone permanently\n {2}It wants no more messages: .*\n$/
      )
      assert.strictEqual(receiver.messages.length >= 1, true)
    })
  )
})
