/** A sink that is named by its folder, as that of the files in it. */
import { fromPlatform } from "@callstream/core/sink/OutputError"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type { PipelineSpec, SinkSpec } from "./PipelineSpec.ts"
import * as Target from "./Target.ts"

/** One file for each day, without a size. A log of changes has its own sizes. */
const filesOf =
  (isSync: boolean) =>
  (spec: SinkSpec): SinkSpec => {
    const { format, to, ...settings } = typeof spec === "string" ? { to: spec } : spec
    if (!Target.isFolder(to)) return spec
    const files = { ...settings, to: Target.inFolder(to, format) }
    return isSync ? files : { ...files, rotate: settings.rotate ?? "day" }
  }

/** Folders of this machine that sinks are named by. */
export const local = (sinks: PipelineSpec["sinks"]): ReadonlyArray<string> =>
  sinks
    .map((spec) => (typeof spec === "string" ? spec : spec.to))
    .filter((to) => Target.isFolder(to) && Option.exists(Target.parse(to), ({ _tag }) => _tag === "File"))

/** Makes those that are missing, for their owner alone: calls are personal data. */
export const make = (folders: ReadonlyArray<string>) =>
  Effect.forEach(
    folders,
    Effect.fnUntraced(function* (folder) {
      const fs = yield* FileSystem.FileSystem
      yield* Effect.mapError(fs.makeDirectory(folder, { recursive: true, mode: 0o700 }), fromPlatform(folder, "open"))
    }),
    { discard: true }
  )

/** The sinks of a pipeline, each with the name of a file where it had that of a folder. */
export const expand = ({ sinks, sync }: Pick<PipelineSpec, "sinks" | "sync">): PipelineSpec["sinks"] =>
  Arr.map(sinks, filesOf(sync !== undefined))
