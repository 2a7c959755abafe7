/** Unsent messages: saved before they are sent, removed when the receiver has answered for them. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import type * as PlatformError from "effect/PlatformError"
import { SinkError } from "../../SinkError.ts"
import * as TrustedFile from "../../../platform/TrustedFile.ts"
import * as Message from "./Message.ts"
import { codeOf, syncFolder } from "../../../platform/internal/System.ts"

export interface Spool {
  /** Safe from a power failure when it returns. */
  readonly put: (message: Message.Message) => Effect.Effect<void, SinkError>
  readonly remove: (message: Message.Message) => Effect.Effect<void, SinkError>
  /** A removed message does not return after a power failure. */
  readonly sync: Effect.Effect<void, SinkError>
  /** The saved messages, the earliest sequence first. Removes and reports a damaged file. */
  readonly left: Effect.Effect<ReadonlyArray<Message.Message>, SinkError>
}

const unfinished = ".partial"
const shape = /^\d{16}-(msg_[0-9a-f]{32})\.json$/
const nameOf = ({ id, sequence }: Message.Message) => `${String(sequence).padStart(16, "0")}-${id}.json`

/** For a run that cannot resume: after it was killed, the next run reads and sends everything again. */
export const inMemory = (): Spool => {
  const messages = new Map<string, Message.Message>()
  return {
    put: (message) => Effect.sync(() => void messages.set(nameOf(message), message)),
    remove: (message) => Effect.sync(() => void messages.delete(nameOf(message))),
    sync: Effect.void,
    left: Effect.sync(() =>
      [...messages].toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([, message]) => message)
    )
  }
}

/** The folder of the messages. */
interface Folder {
  readonly fs: FileSystem.FileSystem
  readonly folder: string
  readonly pathOf: (name: string) => string
  readonly sink: string
  /** The known content of the folder, so that it is not listed for each batch. */
  readonly names: Set<string>
}

/** As files. Opens the folder, made private when it is not there, without what a killed run had not written to its end. */
export const open = Effect.fnUntraced(function* (folder: string, sink: string) {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const failing = (operation: SinkError["operation"]) =>
    Effect.mapError((error: PlatformError.PlatformError) => failed(sink, operation, folder, error))
  const pathOf = (name: string) => paths.join(folder, name)

  const list = Effect.map(fs.readDirectory(folder), (names) => [...names].sort())
  yield* failing("open")(fs.makeDirectory(folder, { recursive: true, mode: 0o700 }))
  yield* failing("open")(TrustedFile.checkFolder(folder))
  const found = yield* failing("open")(list)
  for (const name of found) {
    if (name.endsWith(unfinished)) yield* failing("open")(fs.remove(pathOf(name), { force: true }))
  }
  const names = new Set(found.filter((name) => shape.test(name)))
  const self: Folder = { fs, folder, pathOf, sink, names }
  const spool: Spool = {
    put: (message) => failing("write")(put(self, message)),
    remove: (message) => failing("write")(remove(self, nameOf(message))),
    sync: failing("write")(syncFolder(fs, folder)),
    left: failing("write")(
      Effect.suspend(() =>
        Effect.map(
          Effect.forEach([...names].sort(), (name) => read(self, name)),
          (messages) => messages.flatMap(Option.toArray)
        )
      )
    )
  }
  return spool
})

const put = ({ folder, fs, names, pathOf }: Folder, message: Message.Message) => {
  const name = nameOf(message)
  const partial = pathOf(`${name}${unfinished}`)
  const write = Effect.gen(function* () {
    yield* fs.remove(partial, { force: true })
    yield* Effect.scoped(
      Effect.flatMap(fs.open(partial, { flag: "wx", mode: 0o600 }), (file) =>
        Effect.andThen(file.writeAll(message.body), file.sync)
      )
    )
    names.add(name)
    yield* fs.rename(partial, pathOf(name))
    yield* syncFolder(fs, folder)
  })
  return Effect.onError(write, () => Effect.ignore(fs.remove(partial, { force: true })))
}

const remove = ({ fs, names, pathOf }: Folder, name: string) =>
  Effect.andThen(
    fs.remove(pathOf(name), { force: true }),
    Effect.sync(() => {
      names.delete(name)
    })
  )

const read = Effect.fnUntraced(function* (self: Folder, name: string) {
  const bytes = yield* TrustedFile.read(self.pathOf(name)).pipe(
    Effect.provideService(FileSystem.FileSystem, self.fs),
    Effect.map(Option.some),
    // Another run over the same folder has sent it.
    Effect.catchIf(
      (error) => codeOf(error) === "ENOENT",
      () => Effect.succeed(Option.none<Uint8Array>())
    )
  )
  if (Option.isNone(bytes)) {
    self.names.delete(name)
    return Option.none()
  }
  const message = yield* Message.read(shape.exec(name)?.[1] ?? "", new Uint8Array(bytes.value))
  if (Option.isNone(message)) {
    yield* Effect.annotateLogs(
      Effect.logWarning(
        `${self.sink}: a message that was waiting in ${self.folder} is damaged and was removed; its calls are read again`
      ),
      "callstream.sink.name",
      self.sink
    )
    yield* remove(self, name)
  }
  return message
})

const lasting = ["EACCES", "EPERM", "EROFS", "ENOTDIR", "ENOENT", "EEXIST"]

const failed = (
  sink: string,
  operation: SinkError["operation"],
  folder: string,
  error: PlatformError.PlatformError
): SinkError => {
  const file = TrustedFile.refusalOf(error)
  if (file !== undefined) {
    return new SinkError({ sink, operation, retryable: false, reason: { _tag: "Untrusted", file } })
  }
  const code = codeOf(error)
  return new SinkError({
    sink,
    operation,
    retryable: code !== undefined && !lasting.includes(code),
    reason: { _tag: "Spool", folder, ...(code === undefined ? {} : { code }) }
  })
}
