/** Runs of pipelines over files in memory, each in a process of its own that can end at any moment. */
import * as Position from "@callstream/core/model/Position"
import { Checkpoint, type State } from "@callstream/core/checkpoint/Checkpoint"
import type { CheckpointError } from "@callstream/core/checkpoint/CheckpointError"
import type { Fingerprint } from "@callstream/core/model/Fingerprint"
import * as FileCheckpoint from "@callstream/core/checkpoint/FileCheckpoint"
import { ProcessOwner } from "@callstream/core/checkpoint/ProcessOwner"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as MemoryFiles from "./MemoryFiles.ts"

export const folder = "/d/state"
export const path = `${folder}/calls.json`
export const epochPath = `${folder}/calls.epoch`
export const lockPath = `${folder}/calls.lock`
export const fingerprint: Fingerprint = { range: "2026-07", sinks: "calls.ndjson" }

export const stateOf = (cursor: number, finished = false): State => ({
  version: 2,
  fingerprint,
  sinks: {
    "calls.ndjson": { at: Position.of(cursor), note: { bytes: cursor * 2, note: "é" } },
    "https://example.com": { at: Position.of(0), note: null }
  },
  finished
})

export const make = () => {
  const files = MemoryFiles.make()
  const ended = new Set<number>()
  const checkpointOf = (pid: number, host = "here") =>
    FileCheckpoint.layer({ folder }).pipe(
      Layer.provide(
        Layer.succeed(ProcessOwner, {
          self: { host, pid },
          judge: (owner) =>
            Effect.sync(() => (owner.host !== host ? "elsewhere" : ended.has(owner.pid) ? "gone" : "alive"))
        })
      ),
      Layer.provide(files.layer)
    )
  return {
    files,
    /** All files but the epoch's, which stays. */
    names: () => files.names().filter((name) => name !== epochPath),
    /** Processes that are no more. */
    ended,
    /** Opens the checkpoint in the process `pid`. */
    open: (
      pid: number,
      options: { readonly host?: string; readonly pipeline?: string; readonly as?: Fingerprint } = {}
    ) =>
      Checkpoint.use((checkpoint) => checkpoint.open(options.pipeline ?? "calls", options.as ?? fingerprint)).pipe(
        Effect.provide(checkpointOf(pid, options.host))
      )
  }
}

export type Runs = ReturnType<typeof make>

/** What it failed with, and `undefined` where it did not. */
export const errorOf = <A, R>(effect: Effect.Effect<A, CheckpointError, R>) =>
  Effect.match(effect, { onSuccess: () => undefined, onFailure: (error) => error })
