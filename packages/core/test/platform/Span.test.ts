import { AgniError, Unauthorized } from "@callstream/core/model/AgniError"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Tracer from "effect/Tracer"
import * as Span from "../../src/platform/internal/Span.ts"

const canary = "canary"

const failure = new AgniError({
  reason: new Unauthorized({ quote: canary }),
  request: `GET /?${canary}`,
  attempts: 1,
  elapsed: Duration.zero
})

/** A tracer, and its spans in the order of their ends. */
const tracer = () => {
  const ended: Array<Tracer.NativeSpan> = []
  class Recorded extends Tracer.NativeSpan {
    override end(at: bigint, exit: Exit.Exit<unknown, unknown>): void {
      super.end(at, exit)
      ended.push(this)
    }
  }
  const provide = Effect.provideService(Tracer.Tracer, Tracer.make({ span: (options) => new Recorded(options) }))
  return { ended, provide }
}

const exitOf = ({ status }: Tracer.NativeSpan) => (status._tag === "Ended" ? status.exit : Exit.void)

describe("a span", () => {
  it.effect("that fails keeps the type of the error, and neither its text nor its stack", () => {
    const { ended, provide } = tracer()
    return Effect.gen(function* () {
      for (const effect of [Effect.fail(failure), Effect.die(failure)]) {
        const exit = yield* Effect.exit(Span.use("one", {}, () => effect))
        assert(Exit.isFailure(exit))
        assert.strictEqual(Cause.squash(exit.cause), failure)
        const span = ended.at(-1)
        assert(span !== undefined)
        assert.strictEqual(span.attributes.get("error.type"), "401")
        const kept = exitOf(span)
        assert(Exit.isFailure(kept))
        for (const error of Cause.prettyErrors(kept.cause, { includeCauseInStack: true })) {
          assert.deepStrictEqual([error.name, error.message], ["401", "401"])
          assert.notInclude(String(error.stack), canary)
        }
      }
    }).pipe(provide)
  })

  it.effect("that is interrupted is no failure", () => {
    const { ended, provide } = tracer()
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Span.use("one", {}, () => Effect.never))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      const [span] = ended
      assert(span !== undefined)
      const exit = exitOf(span)
      assert(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
      assert.isFalse(span.attributes.has("error.type"))
    }).pipe(provide)
  })

  it.effect("is the parent of what is done in it, and gets its events", () => {
    const { ended, provide } = tracer()
    return Effect.gen(function* () {
      yield* Span.event("lost", {})
      yield* Span.use("outer", { attributes: { a: 1 } }, (span) =>
        Effect.andThen(
          Span.event("retry", { n: 2 }),
          Span.use("inner", { kind: "client" }, () => Effect.sync(() => span.attribute("b", 3)))
        )
      )
      const [inner, outer] = ended
      assert.strictEqual(inner?.parent._tag === "Some" ? inner.parent.value.spanId : "", outer?.spanId)
      assert.deepStrictEqual(
        [...(outer?.attributes ?? [])],
        [
          ["a", 1],
          ["b", 3]
        ]
      )
      assert.deepStrictEqual(
        outer?.events.map(([name, , attributes]) => [name, attributes]),
        [["retry", { n: 2 }]]
      )
    }).pipe(provide)
  })
})
