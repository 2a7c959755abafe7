import { AgniClient } from "@callstream/core/client/AgniClient"
import type { Coverage } from "@callstream/core/history/Coverage"
import { AgniError, Unauthorized } from "@callstream/core/model/AgniError"
import * as Version from "@callstream/core/model/Version"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import * as Windows from "../../../src/history/internal/Windows.ts"
import * as WindowTelemetry from "../../../src/history/internal/WindowTelemetry.ts"
import { json, page } from "../Walking.ts"
import { began, day, hour, item } from "./FakeServer.ts"

const proven: Coverage = { _tag: "Proven" }
const moved: Coverage = { _tag: "Provisional", reason: { _tag: "CallsMoved" } }
const differs: Coverage = { _tag: "Unprovable", reason: { _tag: "CountDiffers", read: 3, counted: 5 } }

const range = { from: began - day, to: began }

const rejected = {
  stage: "decode",
  reason: "not a call",
  raw: {},
  page: 1,
  index: 0,
  observedAt: Version.of(began)
} as const

/** A window with so many calls, and one record that is none. */
const window = (calls: number, coverage: Coverage = proven, { from, to }: typeof range = range) =>
  Windows.make(
    Array.from({ length: calls }, (_, i) => item(`call-${i}`, from + i * hour)),
    { from, to, rejected: calls === 0 ? [] : [rejected], coverage, requests: calls, observedAt: began }
  )

const error = new AgniError({ reason: new Unauthorized({}), request: "GET", attempts: 1, elapsed: Duration.zero })

/** The spans of what is run, in the order of their ends. */
const spans = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const ended: Array<Tracer.NativeSpan> = []
    class Recorded extends Tracer.NativeSpan {
      override end(at: bigint, exit: Exit.Exit<unknown, unknown>): void {
        super.end(at, exit)
        ended.push(this)
      }
    }
    const tracer = Tracer.make({ span: (options) => new Recorded(options) })
    return Effect.map(Effect.exit(Effect.provideService(effect, Tracer.Tracer, tracer)), (exit) => ({
      exit,
      spans: ended.map(({ attributes, name, parent }) => ({
        name,
        attributes: Object.fromEntries(attributes),
        parent: Option.getOrUndefined(parent)
      }))
    }))
  })

const bounds = {
  "callstream.window.from": "2026-05-31T00:00:00Z",
  "callstream.window.to": "2026-06-01T00:00:00Z"
}

describe("WindowTelemetry.ofTask", () => {
  it.effect("is a span of the range, with the weakest verdict and all records of its windows", () =>
    Effect.gen(function* () {
      for (const [coverages, verdict] of [
        [[proven, proven], "proven"],
        [[proven, moved], "provisional"],
        [[moved, proven], "provisional"],
        [[moved, differs, proven], "unprovable"]
      ] as const) {
        const done = { _tag: "Done", outputs: coverages.map((coverage, i) => window(i + 1, coverage)) } as const
        const { exit, spans: all } = yield* spans(WindowTelemetry.ofTask(undefined, range, Effect.succeed(done)))
        assert.deepStrictEqual(exit, yield* Effect.exit(Effect.succeed(done)))
        assert.deepStrictEqual(all, [
          {
            name: "callstream.window",
            attributes: {
              ...bounds,
              "callstream.window.verdict": verdict,
              "callstream.window.count": coverages.length === 2 ? 5 : 9
            },
            parent: undefined
          }
        ])
      }
    })
  )

  it.effect("of a range that is cut it has how many parts there are", () =>
    Effect.gen(function* () {
      const work = { _tag: "Split", parts: [range, range, range] } as const
      const { spans: all } = yield* spans(WindowTelemetry.ofTask(undefined, range, Effect.succeed(work)))
      assert.deepStrictEqual(
        all.map(({ attributes }) => attributes),
        [{ ...bounds, "callstream.window.verdict": "split", "callstream.window.parts": 3 }]
      )
    })
  )

  it.effect("has no verdict without a window, and no bound that is none", () =>
    Effect.gen(function* () {
      const done = Effect.succeed({ _tag: "Done", outputs: [] } as const)
      const attributesOf = (range: { readonly from: number; readonly to: number }) =>
        Effect.map(spans(WindowTelemetry.ofTask(undefined, range, done)), ({ spans }) => spans[0]?.attributes)
      assert.deepStrictEqual(yield* attributesOf({ from: -Infinity, to: range.to }), {
        "callstream.window.to": bounds["callstream.window.to"],
        "callstream.window.count": 0
      })
      assert.deepStrictEqual(yield* attributesOf({ from: range.from, to: Infinity }), {
        "callstream.window.from": bounds["callstream.window.from"],
        "callstream.window.count": 0
      })
    })
  )

  it.effect("has the parent of all tasks, also where another task gave it away", () =>
    Effect.gen(function* () {
      const done = Effect.succeed({ _tag: "Done", outputs: [] } as const)
      const parent = Tracer.externalSpan({ spanId: "all", traceId: "one" })
      const given = yield* spans(Effect.withSpan(WindowTelemetry.ofTask(parent, range, done), "another task"))
      assert.strictEqual(given.spans[0]?.parent?.spanId, "all")
      const root = yield* spans(Effect.withSpan(WindowTelemetry.ofTask(undefined, range, done), "another task"))
      assert.isUndefined(root.spans[0]?.parent)
    })
  )

  it.effect("an error is that of the task, and its type is in the span", () =>
    Effect.gen(function* () {
      const { exit, spans: all } = yield* spans(WindowTelemetry.ofTask(undefined, range, Effect.fail(error)))
      assert.deepStrictEqual(exit, yield* Effect.exit(Effect.fail(error)))
      assert.deepStrictEqual(
        all.map(({ attributes }) => attributes),
        [{ ...bounds, "error.type": "401" }]
      )
    })
  )
})

describe("WindowTelemetry.ofClosing", () => {
  it.effect("is the span of the calls without a start time, if there are any", () =>
    Effect.gen(function* () {
      const last = window(2, moved)
      for (const [closing, attributes] of [
        [last, { "callstream.window.verdict": "provisional", "callstream.window.count": 3 }],
        [undefined, { "callstream.window.count": 0 }]
      ] as const) {
        const { exit, spans: all } = yield* spans(WindowTelemetry.ofClosing(Effect.succeed(closing)))
        assert.deepStrictEqual(exit, yield* Effect.exit(Effect.succeed(closing)))
        assert.deepStrictEqual(all, [
          {
            name: "callstream.window",
            attributes: { "callstream.window.without_start": true, ...attributes },
            parent: undefined
          }
        ])
      }
    })
  )
})

describe("WindowTelemetry.reported", () => {
  /** What is counted and logged of windows that are taken. */
  const report = Effect.fnUntraced(function* (windows: ReadonlyArray<ReturnType<typeof window>>, name?: string) {
    const logs: Array<{ readonly text: string; readonly annotations: unknown }> = []
    const logger = Logger.make(({ fiber, message }) => {
      logs.push({ text: String(message), annotations: fiber.getRef(References.CurrentLogAnnotations) })
    })
    const list = () => Effect.succeed(page(1, []))
    const client = AgniClient.of(name === undefined ? { list } : { list, name })
    const taken = yield* Stream.runCollect(WindowTelemetry.reported(Stream.fromIterable(windows))).pipe(
      Effect.provideService(AgniClient, client),
      Effect.provide(Logger.layer([logger])),
      Effect.provideService(References.MinimumLogLevel, "Debug")
    )
    const counts = (yield* Metric.snapshot).flatMap(({ attributes, id, state }) =>
      id === "callstream.windows" && "count" in state && Number(state.count) > 0
        ? [[attributes?.["callstream.client.name"], attributes?.["callstream.window.verdict"], Number(state.count)]]
        : []
    )
    return { taken, logs, counts: counts.toSorted((a, b) => json(a).localeCompare(json(b))) }
  })
  const alone = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.provideService(effect, Metric.MetricRegistry, new Map())

  it.effect("counts each by its verdict and the name of the client, and delivers it unchanged", () =>
    Effect.gen(function* () {
      const windows = [window(1), window(2, moved), window(3), window(4, differs)]
      const { counts, taken } = yield* report(windows, "mirror")
      assert.deepStrictEqual(taken, windows)
      assert.deepStrictEqual(counts, [
        ["mirror", "proven", 2],
        ["mirror", "provisional", 1],
        ["mirror", "unprovable", 1]
      ])
    }).pipe(alone)
  )

  it.effect("logs each with its range, its count and its verdict, in words", () =>
    Effect.gen(function* () {
      const last = { from: range.to, to: range.to }
      const { logs } = yield* report([window(0), window(1), window(2, moved), window(4, differs, last)])
      const annotations = (count: number, verdict: string) => ({
        ...bounds,
        "callstream.client.name": "default",
        "callstream.window.count": count,
        "callstream.window.verdict": verdict
      })
      const place = "2026-05-31T00:00:00Z to 2026-06-01T00:00:00Z"
      assert.deepStrictEqual(logs, [
        { text: `${place}: 0 calls, 0 requests, proven`, annotations: annotations(0, "proven") },
        { text: `${place}: 2 calls, 1 request, proven`, annotations: annotations(2, "proven") },
        {
          text: `${place}: 3 calls, 2 requests, provisional: calls were added or removed while they were read`,
          annotations: annotations(3, "provisional")
        },
        {
          text: "without a range: 5 calls, 4 requests, unprovable: the server counted 5 calls, and 3 were read",
          annotations: { ...annotations(5, "unprovable"), "callstream.window.from": bounds["callstream.window.to"] }
        }
      ])
    }).pipe(alone)
  )
})
