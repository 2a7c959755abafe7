/** What to do about files and locks, in the language of flags or of a file's keys. */
import type { OutputError } from "@callstream/core"
import type { Held } from "@callstream/core/platform/Held"
import type { UntrustedFile } from "@callstream/core/platform/TrustedFile"
import type { Uncovered } from "@callstream/core/sink/OutputReason"
import type { Speaker } from "../Speaker.ts"

/** Who is spoken to. */
export interface Reader {
  readonly speaker: Speaker
  /** Whether the run keeps its state, so that the same command resumes it. */
  readonly resumes: boolean
}

/** Said only where it is true that a run resumes. */
export const again = ({ resumes }: Reader): string =>
  resumes ? "run it again: it resumes where it stopped" : "run it again"

export const untrusted = ({ path, problem }: UntrustedFile): string => {
  switch (problem._tag) {
    case "Link":
      return "Remove the link, or name the file that it points to."
    case "OtherOwner":
      return "Choose another name, or run this as the user whose file it is."
    case "WritableByOthers":
      return `Check its content, then run: chmod go-w ${path}`
  }
}

export const held = (held: Held): string => {
  switch (held._tag) {
    case "Running":
      return held.place?._tag === "File" && held.holder?.here !== true
        ? `Wait for it or stop it. If that process is something else, remove ${held.place.path}.`
        : "Wait for it or stop it."
    case "Elsewhere": {
      const doubt = held.holder === undefined ? "" : "Whether it still runs cannot be seen from here. "
      const { place } = held
      return place._tag === "File"
        ? `${doubt}If that run is over, remove ${place.path} and run it again.`
        : `${doubt}If that run is over, free it: UPDATE ${place.table} SET holder = NULL WHERE name = '${place.name.replaceAll("'", "''")}'`
    }
    case "Lost":
      return "Make sure that no other run of it is in progress, then run it again."
    case "Changing":
      return "Run it again."
  }
}

/** Of a run that another one replaced. */
export const fenced = "Let that run finish: this one was cut off, and writes nothing more."

const uncovered = (gap: Uncovered, { speaker: { name } }: Reader): string => {
  switch (gap._tag) {
    case "Unknown":
      return "Read a whole range, without limits and gaps, or choose another name."
    case "Filtered":
      return "Remove the filters, or choose another name."
    case "ByHand":
      return `Begin with ${name({ option: "since", value: gap.from })} and read that day to its end, or move the file away.`
    case "Unlisted":
      return "Move it away, or choose another name: programs that read all files there would find calls twice. A cancelled run leaves such files."
    case "WithoutStart":
      return `Remove ${name({ option: "since" })} and ${name({ option: "until" })}, or choose another name.`
    case "Partly": {
      const { had, missing } = gap
      const bound = (option: "since" | "until", time: string | undefined) =>
        time === undefined ? `Remove ${name({ option })}` : `Set ${name({ option, value: time })}`
      const steps = [
        ...(missing.from ? [bound("since", had.from)] : []),
        ...(missing.to ? [bound("until", had.to)] : [])
      ]
      return [...steps, "or choose another name."].join(", ").replace(/^or c/, "C")
    }
  }
}

const putBack =
  "Put the file back as the earlier run left it, moved and not copied, or delete the checkpoint to begin again."
const beginAnew = "Put the file back, or give the run another name to export everything again."

const inBucket =
  "In a bucket the keys need s3:ListBucket, s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload and s3:ListMultipartUploadParts."

/** Only a disk has codes of the system. */
const notAllowed = (code: string | undefined): string => {
  if (code === "EROFS") return "Choose another place: the file system is read-only."
  const folder = "Let this user write there, or choose another folder."
  return code !== undefined && /^E[A-Z]+$/.test(code) ? folder : `${folder} ${inBucket}`
}

/**
 * Nothing where nobody has seen it before.
 *
 * @param code of the system, or of a store
 */
export const output = (reason: OutputError["reason"], reader: Reader, code: string | undefined): string | undefined => {
  switch (reason._tag) {
    case "Exists":
      return `Choose another name, or add ${reader.speaker.on("force")} to replace it.`
    case "NotAFile":
      return "Choose the name of a regular file."
    case "NoFolder":
      return "Make the folder first, or choose another one."
    case "NameTooLong":
      return "Choose a name of at most 200 characters."
    case "NotAllowed":
      return notAllowed(code)
    case "Full":
      return reader.resumes
        ? `Make room, and ${again(reader)}.`
        : `Make room, or write to another disk, and ${again(reader)}.`
    case "Replaced":
      return "Let one run at a time write to a name."
    case "Foreign":
      return `Keep other programs away from the file until it has its name, then ${again(reader)}.`
    case "Unsynced":
      return `Check the disk, then ${again(reader)}.`
    case "Missing":
    case "Shorter":
    case "Changed":
    case "Torn":
      return putBack
    case "Gone":
    case "Altered":
      return beginAnew
    case "Finished":
      return "Move the file away, or choose another name, and delete the checkpoint to begin again."
    case "Locked":
      return held(reason.held)
    case "Fenced":
      return fenced
    case "Uncovered":
      return uncovered(reason.gap, reader)
    case "Untrusted":
      return untrusted(reason.file)
    case "NoBucket":
      return "Make the bucket first, or correct its name."
    case "NoAddress":
      return "Set AWS_ENDPOINT_URL_S3 to a URL such as https://minio.example.com:9000, and AWS_REGION to a region such as eu-west-1."
    case "NoKeys":
      return "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE for a profile in ~/.aws/credentials. Roles of containers and single sign-on are not read: export their keys to the environment."
    case "KeysRejected":
      return "Check the keys, and whether they are of this store. A session token ends after some hours: get another one."
    case "OtherRegion":
      return "Set AWS_REGION to the region of the bucket."
    case "WrongClock":
      return "Set the clock of this machine."
    case "Unreachable":
      return `Check the address of the store and the network, then ${again(reader)}.`
    case "Closed":
    case "Other":
      return undefined
  }
}
