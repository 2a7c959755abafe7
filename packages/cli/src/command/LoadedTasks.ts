/** The pipelines of a file, with references in place of secrets in all output. */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as PipelineFile from "../job/PipelineFile.ts"
import * as Tasks from "../job/Tasks.ts"
import { Screen } from "../render/Screen.ts"

/** A shorter value could be part of any text. */
const shortest = 6

/** From now on no output shows the value of a reference, of any file that the function gets. */
export const hideReferences = (screen: Screen["Service"]) => {
  const known = Ref.makeUnsafe<ReadonlyMap<string, string>>(new Map())
  return ({ referred }: PipelineFile.PipelineFile) =>
    Effect.flatMap(
      Ref.updateAndGet(
        known,
        (before) => new Map([...before, ...referred.filter(([value]) => value.length >= shortest)])
      ),
      (all) => {
        const values = [...all].toSorted(([a], [b]) => b.length - a.length)
        return screen.reword((text) =>
          values.reduce((told, [value, reference]) => told.replaceAll(value, reference), text)
        )
      }
    )
}

/** The pipelines of a file. */
export const loaded = (file: string, options: Omit<Tasks.Options, "onRead">) =>
  Effect.flatMap(Effect.all([Screen, PipelineFile.read(file)]), ([screen, text]) =>
    Tasks.load(text, { ...options, onRead: hideReferences(screen) })
  )
