import { assert, describe, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"

/** Objects of which many live for a while, as windows do: the young generation grows to its limit. */
const busy = (layer: boolean) => `
import * as Effect from "effect/Effect"
import { getHeapSpaceStatistics } from "node:v8"
import { layer } from ${JSON.stringify(new URL("../../src/run/HeapGrowth.ts", import.meta.url).href)}
const live = []
const work = Effect.gen(function* () {
  for (let turn = 0; turn < 400; turn++) {
    for (let i = 0; i < 4000; i++) live[(turn * 4000 + i) % 200000] = { i, text: "x" + i, list: [i] }
    yield* Effect.sleep("1 millis")
  }
  const [young] = getHeapSpaceStatistics().filter(({ space_name }) => space_name === "new_space")
  console.log(young.space_size / 1024 / 1024)
})
await Effect.runPromise(${layer ? "Effect.provide(work, layer)" : "work"})
`

/** The room of a thread's young generation that is made later. */
const thread = (layer: boolean) => `
import * as Effect from "effect/Effect"
import { Worker } from "node:worker_threads"
import { layer } from ${JSON.stringify(new URL("../../src/run/HeapGrowth.ts", import.meta.url).href)}
const script = \`
const [young] = process.getBuiltinModule("node:v8").getHeapSpaceStatistics().filter(({ space_name }) => space_name === "new_space")
console.log((young.space_used_size + young.space_available_size) / 1024 / 1024)\`
const work = Effect.callback((resume) => void new Worker(script, { eval: true }).on("exit", () => resume(Effect.void)))
await Effect.runPromise(${layer ? "Effect.provide(work, layer)" : "work"})
`

const threadMegabytes = (layer: boolean): number =>
  Number(execFileSync(process.execPath, ["--input-type=module", "-e", thread(layer)], { encoding: "utf8" }))

const youngMegabytes = (layer: boolean): number =>
  Number(execFileSync(process.execPath, ["--input-type=module", "-e", busy(layer)], { encoding: "utf8" }))

describe("HeapGrowth", () => {
  it("stops the young generation from growing beyond 32 MB", () => {
    const before = youngMegabytes(false)
    assert.isAbove(before, 32)
    const after = youngMegabytes(true)
    assert.isAtMost(after, 32)
    assert.isAtLeast(after, 4)
  })

  it("gives a thread room for a page", () => {
    assert.isBelow(threadMegabytes(false), 2)
    assert.isAbove(threadMegabytes(true), 3.5)
  })
})
