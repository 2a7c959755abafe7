/**
 * `node --expose-gc packages/client/bench/main.ts`, after a build: what an import of the client and of the package for Effect 3
 * takes, what a call takes in both and in core, how soon a reading ends on a server that hangs, and what a consumer that stops
 * reading holds. Processor time, so that what else the machine does is not measured.
 */
import { AgniClient, CallSessions } from "@callstream/core"
import { AgniSimulator } from "@callstream/core/testing"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { execFileSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { registerHooks } from "node:module"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { gzipSync } from "node:zlib"

const dist = join(import.meta.dirname, "../dist")
/** As it is published. */
const { createClient }: typeof import("@callstream/client") = await import(join(dist, "index.js"))

/** The package for Effect 3 on the client as it is published. */
const bridge = pathToFileURL(join(dist, "bridge.js")).href
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === "@callstream/client/bridge" ? { url: bridge, shortCircuit: true } : next(specifier, context)
})
const effect3 = await import("../../effect3/bench/Reader.ts")

const importOf = (code: string, cwd = dist): number => {
  const script = `const { system, user } = process.cpuUsage(); ${code}; const after = process.cpuUsage(); console.log((after.user + after.system - user - system) / 1000)`
  const times = Array.from({ length: 9 }, () =>
    Number(execFileSync(process.execPath, ["--input-type=module", "--eval", script], { cwd, encoding: "utf8" }))
  )
  return times.sort((left, right) => left - right)[4] ?? NaN
}

const sizeOf = (ending: string): string => {
  const files = readdirSync(dist).filter((name) => name.endsWith(ending) && !/^(testing|bridge)/.test(name))
  const code = Buffer.concat(files.map((name) => readFileSync(join(dist, name))))
  return `${Math.round(code.length / 1000)} kB, ${Math.round(gzipSync(code).length / 1000)} kB with gzip`
}

const quoted = (file: string) => JSON.stringify(join(dist, file))
console.log(`ES module: ${sizeOf(".js")}, import ${importOf(`await import(${quoted("index.js")})`).toFixed(0)} ms`)
const required = `(await import("node:module")).createRequire(import.meta.url)(${quoted("index.cjs")})`
/** Beside what an app on Effect 3 has anyway. */
const ofApp = ["Effect", "Stream", "Layer", "Schema"].map((name) => `await import("effect/${name}")`).join("; ")
const hook = `(await import("node:module")).registerHooks({ resolve: (specifier, context, next) => specifier === "@callstream/client/bridge" ? { url: ${JSON.stringify(bridge)}, shortCircuit: true } : next(specifier, context) })`
const folder3 = join(import.meta.dirname, "../../effect3")
const all3 = `await import("@effect/platform/FetchHttpClient"); ${ofApp}`
const first = importOf(`${hook}; ${all3}`, folder3)
const whole = importOf(`${hook}; ${all3}; await import("./dist/index.js")`, folder3)
console.log(
  `Effect 3: import ${(whole - first).toFixed(0)} ms more than the ${first.toFixed(0)} ms of effect and platform`
)
console.log(`CommonJS: ${sizeOf(".cjs")}, import ${importOf(required).toFixed(0)} ms`)

const sessions = 40_000

/** Answers of the simulator, made once: what is measured is the reader alone. */
const recorded = () => {
  const now = Date.now()
  const simulator = AgniSimulator.makeUnsafe({ sessions, seed: 7 }, () => now)
  const fetch = AgniSimulator.toFetch(simulator)
  const kept = new Map<string, { readonly status: number; readonly headers: Headers; readonly body: string }>()
  const replay: typeof fetch = async (input, init) => {
    const { url } = new Request(input)
    let answer = kept.get(url)
    if (answer === undefined) {
      const response = await fetch(input, init)
      answer = { status: response.status, headers: response.headers, body: await response.text() }
      kept.set(url, answer)
    }
    return new Response(answer.body, answer)
  }
  return { apiKey: simulator.apiKey, replay }
}

const { apiKey, replay } = recorded()
const ago = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString()
// Of a past range every reading asks the same.
const selection = { from: ago(31), to: ago(2) }

const plain = async (): Promise<number> => {
  let count = 0
  for await (const { id } of createClient({ apiKey, fetch: replay }).sessions(selection)) count += id.length > 0 ? 1 : 0
  return count
}

const client = AgniClient.make({ apiKey: Redacted.make(apiKey) })
const core = (): Promise<number> =>
  CallSessions.sessions(selection).pipe(
    Stream.runCount,
    Effect.provideServiceEffect(AgniClient, client),
    Effect.provide(FetchHttpClient.layer),
    Effect.provideService(FetchHttpClient.Fetch, replay),
    Effect.runPromise
  )

const measured = async (run: () => Promise<number>): Promise<number> => {
  const before = process.cpuUsage()
  const count = await run()
  const { system, user } = process.cpuUsage(before)
  return (user + system) / count
}

const on3 = (): Promise<number> => effect3.count(apiKey, replay, selection)

const rounds: Array<readonly [number, number, number]> = []
for (let round = 0; round < 5; round++) rounds.push([await measured(plain), await measured(core), await measured(on3)])
const best = (at: 0 | 1 | 2) => Math.min(...rounds.map((round) => round[at])).toFixed(1)
console.log(`a call: client ${best(0)} µs, effect3 ${best(2)} µs, core ${best(1)} µs`)

const hangs: typeof globalThis.fetch = () => new Promise(() => undefined)
const ends: Array<number> = []
for (let i = 0; i < 20; i++) {
  const loop = createClient({ apiKey, fetch: hangs }).sessions()[Symbol.asyncIterator]()
  const next = loop.next()
  await new Promise((resolve) => setTimeout(resolve, 20))
  const began = performance.now()
  await loop.return?.()
  await next
  ends.push(performance.now() - began)
}
console.log(`return() on a server that hangs: ${Math.max(...ends).toFixed(1)} ms at most`)

const interrupted: Array<number> = []
for (let i = 0; i < 20; i++) interrupted.push(await effect3.interrupted(apiKey, hangs))
console.log(`interruption on Effect 3, the same server: ${Math.max(...interrupted).toFixed(1)} ms at most`)

/** Megabytes that are held after one call was taken, and the consumer stopped for a second. */
const heldBy = async (read: (wait: Promise<void>) => Promise<void>): Promise<string> => {
  const heap = () => {
    globalThis.gc?.()
    return process.memoryUsage().heapUsed / 1e6
  }
  const before = heap()
  const stop = Promise.withResolvers<void>()
  const done = read(stop.promise)
  await new Promise((resolve) => setTimeout(resolve, 5000))
  const held = heap() - before
  stop.resolve()
  await done
  return held.toFixed(1)
}

const stoppedClient = await heldBy(async (wait) => {
  const loop = createClient({ apiKey, fetch: replay }).sessions()[Symbol.asyncIterator]()
  await loop.next()
  await wait
  await loop.return?.()
})
const stopped3 = await heldBy((wait) => effect3.stopped(apiKey, replay, wait))
console.log(
  `a consumer that stops after one of ${sessions} calls holds: client ${stoppedClient} MB, effect3 ${stopped3} MB`
)
