/** A sink that is named by its folder, as that of the files in it. */
import * as Arr from "effect/Array"
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

/** The sinks of a pipeline, each with the name of a file where it had that of a folder. */
export const expand = ({ sinks, sync }: Pick<PipelineSpec, "sinks" | "sync">): PipelineSpec["sinks"] =>
  Arr.map(sinks, filesOf(sync !== undefined))
