/** Secrets have no place in a file that is copied, sent and committed: they are referred to. */
import type { Mistake, Path, Yaml } from "./Yaml.ts"

const secretKeys: Readonly<Record<string, string>> = {
  apikey: "AGNI_API_KEY",
  agniapikey: "AGNI_API_KEY",
  authorization: "AGNI_API_KEY",
  key: "AGNI_API_KEY",
  token: "AGNI_API_KEY",
  secret: "CALLSTREAM_WEBHOOK_SECRET",
  webhooksecret: "CALLSTREAM_WEBHOOK_SECRET",
  signingsecret: "CALLSTREAM_WEBHOOK_SECRET",
  redactkey: "CALLSTREAM_REDACT_KEY",
  hashkey: "CALLSTREAM_REDACT_KEY",
  password: "DATABASE_PASSWORD"
}

/** Nothing but a reference. */
const referring = /^\s*\$\{[^}]*\}\s*$/

/** The text without its references. */
const own = (text: string) => text.replace(/\$\{[^}]*\}/g, "")

const inUrl = (text: string): boolean =>
  /^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]*:[^@/?#\s]+@/i.test(own(text)) ||
  Array.from(text.matchAll(/[?&]([^=&#]*)=([^&#]*)/g)).some(
    ([, name = "", value = ""]) =>
      /key|token|secret|password|passwd|auth|sig(?:nature)?$/i.test(name) && own(value) !== ""
  )

const variableFor = (path: Path, text: string): string | undefined => {
  const key = path.findLast((part): part is string => typeof part === "string") ?? ""
  const variable = secretKeys[key.toLowerCase().replace(/[-_]/g, "")]
  if (variable !== undefined) return referring.test(text) ? undefined : variable
  if (/whsec_[A-Za-z0-9+/]/.test(own(text))) return "CALLSTREAM_WEBHOOK_SECRET"
  return undefined
}

/** The secrets that the file itself contains. They are pointed at and never repeated. */
export const literals = (yaml: Pick<Yaml, "written" | "keyAt">): ReadonlyArray<Mistake> =>
  yaml.written.flatMap(({ path, text }) => {
    const at = yaml.keyAt(path) ?? { begin: 0, end: 1 }
    const variable = variableFor(path, text)
    if (variable !== undefined && text.trim() !== "") {
      return [
        {
          problem: "a secret is in the file itself",
          advice: `Set it as ${variable}, and write \${${variable}} here; and since it was in a file, better get a new one.`,
          at,
          hidden: true
        }
      ]
    }
    if (!inUrl(text)) return []
    return [
      {
        problem: "a password or key is in this address itself",
        advice:
          "Put the secret part, or the whole address, into an environment variable, and write ${NAME} for it here.",
        at,
        hidden: true
      }
    ]
  })
