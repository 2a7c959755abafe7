/** The words of this project: phrases that nobody outside of it knows are refused, with the words to write instead. */
import * as Effect from "effect/Effect"
import { globSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { describe, it } from "vitest"
import * as Hosts from "../../packages/cli/test/Hosts.ts"

const root = resolve(import.meta.dirname, "../..")

interface Phrase {
  readonly pattern: RegExp
  readonly write: string
}

/** In all that people read: docs, changesets, help, messages and comments. */
const phrases: ReadonlyArray<Phrase> = [
  { pattern: /\blearn(s|ed|ing)?\b/, write: "endpoint profile, probe" },
  { pattern: /\b(witness(es)?|known rows?)\b/, write: "control row" },
  { pattern: /\b(goes|go|went|going|gone) on\b/, write: "resume, continue" },
  { pattern: /\b(comes?|came|coming) to (its|their|an) end\b/, write: "finish, end" },
  { pattern: /\b(told|tells)\b/, write: "report, print, show, know" },
  { pattern: /\b(stands?|stood|standing)\b/, write: "is" },
  { pattern: /\btried again\b|\bin passing\b/, write: "retried, transient" },
  { pattern: /\bput aside\b|\bgoes aside\b/, write: "sent to the dead-letter file" },
  { pattern: /\b(un)?settled\b/, write: "final, may still change" },
  { pattern: /\bleft to believe\b/, write: "assumed, assumption" },
  { pattern: /\bbecomes? visible\b/, write: "appears in the API" },
  { pattern: /\byounger than\b/, write: "started less than … ago" },
  { pattern: /\bundated\b|\bwithout a start\b(?! time)/, write: "without a start time" },
  { pattern: /\b(own account|account of)\b/, write: "offset, coverage report" },
  { pattern: /\bnever takes?\b/, write: "rejected by the sink" },
  { pattern: /\btakes? over( the older)? hal(f|ves)\b/, write: "steals work" },
  { pattern: /\bhasty\b/, write: "with fewer retries" },
  { pattern: /\bfrontier\b/, write: "watermark" },
  { pattern: /\bwindows? of no length\b/, write: "WithoutStart, Page" },
  { pattern: /\bwho(so)?ever\b/, write: "the actor's name" },
  { pattern: /\b(anew|afresh)\b/, write: "again, from the beginning" },
  { pattern: /\bside by side\b/, write: "in parallel" },
  { pattern: /\bunder way\b/, write: "in progress, in flight" },
  { pattern: /\bfor good\b/, write: "permanently" },
  { pattern: /\bon (its|their) way\b/, write: "unsent, in flight" },
  { pattern: /\blooked at\b/, write: "read, checked" },
  { pattern: /\b(takes?|took|taken) away\b/, write: "removed" },
  { pattern: /\bgot over\b/, write: "survived" },
  { pattern: /\bfound out\b/, write: "detected, reported" },
  { pattern: /\bnobody knows\b/, write: "unknown" },
  { pattern: /\bbeliev(e|es|ed|ing)\b/, write: "trusted, accepted, assumed" },
  { pattern: /\b(is|are|was|were|be) taken for\b/, write: "mistaken for, counts as" },
  { pattern: /\bkn(ow|ows|own|ew) (it |them )?again\b/, write: "identified, recognized" },
  { pattern: /\bthe very same\b/, write: "the same" },
  { pattern: /\ball the same\b/, write: "nevertheless, still" },
  { pattern: /\b(is|are) to be\b/, write: "will be, must be" },
  { pattern: /\b(may|can) be had\b/, write: "available" }
]

/** In messages, help and pages a record is a call; the API and the code say session. */
const session: Phrase = { pattern: /\bsessions?\b/, write: "call" }

/** A comment names its subject. */
const clause: Phrase = {
  pattern: /^\W*What (is|are|was|were|has|have|can|cannot|may|must|does|did|comes|came|holds|becomes)\b/,
  write: "a noun or a verb"
}

/** What the phrases are not meant for. */
const exceptions: ReadonlyArray<RegExp> = [
  /\bcall[ -]sessions?\b/,
  /\bsession token\b/,
  /\bstands? (in )?for\b/,
  /--sessions\b/
]

/** Pages and folders that have not been rewritten yet: none, and no new one should be. */
const later: ReadonlyArray<string> = []

/** Code is no prose. */
const prose = (text: string): string =>
  text
    .replace(/`[^`\n]*`/g, "")
    .replace(/\]\([^)]*\)/g, "]")
    .replace(/https?:\S+/g, "")

const wrongs = (at: string, text: string, refused: ReadonlyArray<Phrase>): ReadonlyArray<string> =>
  text.split("\n").flatMap((line, i) => {
    const meant = exceptions.reduce((rest, exception) => rest.replace(new RegExp(exception, "gi"), ""), line)
    return refused.flatMap(({ pattern, write }) => {
      const found = new RegExp(pattern, "i").exec(meant)
      return found === null ? [] : [`${at}:${i + 1}: "${found[0]}": write ${write}: ${line.trim()}`]
    })
  })

/** The same number of lines, without blocks of code. */
const withoutBlocks = (page: string): string => page.replace(/^```[^]*?^```$/gm, (block) => block.replace(/[^\n]/g, ""))

/** Comments, and texts, of a source, in their lines; a text without a space is a name. */
const readable = (source: string, comments: boolean): string => {
  const parts = /\/\*[^]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g
  let text = ""
  let end = 0
  const blank = (code: string) => code.replace(/[^\n]/g, "")
  for (const match of source.matchAll(parts)) {
    const [part] = match
    text += blank(source.slice(end, match.index))
    end = match.index + part.length
    const isComment = part.startsWith("/")
    const words = part.startsWith("`") ? part.slice(1, -1).replace(/\$\{[^}]*\}/g, "…") : part
    if (isComment) text += comments ? `${prose(part)} ` : blank(part)
    else if (words.includes(" ")) text += `${words} `
  }
  return text + blank(source.slice(end))
}

const files = (...patterns: ReadonlyArray<string>) => globSync(patterns, { cwd: root }).sort()
/** The tests of a room are done when the room is. */
const done = (paths: ReadonlyArray<string>) =>
  paths.filter((path) => !later.some((part) => path.replace("/test/", "/src/").startsWith(part)))
const read = (path: string) => readFileSync(join(root, path), "utf8")

describe("words", () => {
  it("of pages and changesets", ({ expect }) => {
    const pages = files("*.md", "docs/*.md", "packages/*/*.md", ".changeset/*.md")
    expect(pages.length).toBeGreaterThan(30)
    const wrong = done(pages).flatMap((page) => wrongs(page, prose(withoutBlocks(read(page))), [...phrases, session]))
    expect(wrong).toEqual([])
  })

  it("say first whom a page is for, and last what to read next", ({ expect }) => {
    const pages = done(files("CONTRIBUTING.md", "SECURITY.md", "docs/*.md"))
    const lost = pages.filter((page) => {
      const text = read(page)
      const headings = Array.from(text.matchAll(/^## (.+)$/gm), ([, title]) => title)
      return !/^# .+\n\nFor \w/.test(text) || headings.at(-1) !== "Read next"
    })
    expect(lost).toEqual([])
    expect(read("README.md").split("\n").length).toBeLessThanOrEqual(200)
  })

  it("of comments and messages", ({ expect }) => {
    const sources = done(files("packages/*/src/**/*.ts"))
    expect(sources.length).toBeGreaterThan(50)
    expect(sources.flatMap((path) => wrongs(path, readable(read(path), true), [...phrases, clause]))).toEqual([])
    expect(sources.flatMap((path) => wrongs(path, readable(read(path), false), [session]))).toEqual([])
  })

  it("of the names of tests", ({ expect }) => {
    const tests = done(files("packages/*/test/**/*.test.ts", "examples/test/*.test.ts"))
    const names = tests.flatMap((path) =>
      Array.from(
        read(path).matchAll(/\b(?:it|test|describe|layer)(?:\.\w+)*\(\s*(["`])((?:[^"`\\]|\\.)*)\1/g),
        ([, , name = ""]) => ({ path, name: name.replace(/\$\{[^}]*\}/g, "…") })
      )
    )
    expect(names.length).toBeGreaterThan(300)
    expect(names.flatMap(({ name, path }) => wrongs(path, name, phrases))).toEqual([])
  })

  it.concurrent.for([
    "",
    "export",
    "sync",
    "status",
    "why",
    "resync",
    "get",
    "run",
    "worker",
    "runs",
    "validate",
    "init",
    "report",
    "plan",
    "replay",
    "check",
    "simulate",
    "demo"
  ])("of callstream %s --help", async (command, { expect }) => {
    const args = [...(command === "" ? [] : [command]), "--help"]
    const { stdout } = await Effect.runPromise(Hosts.command({ args, cwd: root, env: { NO_COLOR: "1" } }))
    expect(stdout.length).toBeGreaterThan(300)
    expect(wrongs(command, prose(stdout), [...phrases, session])).toEqual([])
  })

  it("has exceptions that are needed", ({ expect }) => {
    const all = files("*.md", "docs/*.md", "packages/*/*.md", ".changeset/*.md", "packages/*/src/**/*.ts")
      .map(read)
      .join("\n")
    expect(exceptions.filter((exception) => !new RegExp(exception, "i").test(all)).map(String)).toEqual([])
  })
})
