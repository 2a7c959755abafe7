/** Numbers, compared with libphonenumber: all countries, each in the notations that people and systems write. */
import { assert, describe, it } from "@effect/vitest"
import examples from "libphonenumber-js/examples.mobile"
import {
  type CountryCode,
  findPhoneNumbersInText,
  getCountries,
  getExampleNumber,
  type PhoneNumber
} from "libphonenumber-js/max"
import * as DialledNumber from "../../src/transform/internal/DialledNumber.ts"
import * as Phones from "../../src/model/internal/Phones.ts"

const exampleOf = (country: CountryCode): PhoneNumber => {
  const found = getExampleNumber(country, examples)
  if (found === undefined) throw new Error(`libphonenumber has no example for ${country}`)
  return found
}

const countries = getCountries().map((country) => ({ country, number: exampleOf(country) }))

/** From where each is dialled with a prefix out of the country. */
const abroad = ["US", "DE", "AU", "JP", "RU", "CU", "KE", "NG", "HK", "FI", "GB"] as const

describe("Phones", () => {
  it("finds what libphonenumber finds without a country", () => {
    let found = 0
    for (const { country, number } of countries) {
      for (const notation of [number.number, number.formatInternational(), number.getURI(), number.formatNational()]) {
        for (const text of [`Please call ${notation} tomorrow.`, notation, `a;${notation};b`, `(${notation})`]) {
          const theirs = findPhoneNumbersInText(text)
          const ours = Phones.replace(text, "any", () => "")
          if (theirs.length > 0) {
            found++
            assert.notMatch(ours, /\d/, `${country}: ${text}`)
          }
        }
      }
    }
    assert.isAbove(found, 2500)
  })

  it("finds nearly all national notations too, which libphonenumber does for a country only", () => {
    const missed = countries.filter(({ country, number }) => {
      const text = `Please call ${number.formatNational()} tomorrow.`
      const theirs = findPhoneNumbersInText(text, country)
      return theirs.length > 0 && /\d/.test(Phones.replace(text, "any", () => ""))
    })
    // Of seven or eight digits, in one piece or grouped like an amount: such are found where they are the record's own.
    for (const { number } of missed) assert.isAtMost(number.nationalNumber.length, 8, number.number)
    assert.isAtMost(missed.length, 41)
  })
})

describe("DialledNumber", () => {
  it("makes one notation of all that a country dials", () => {
    for (const { country, number } of countries) {
      const code: string = number.countryCallingCode
      const national = number.formatNational()
      for (const notation of [
        number.number,
        number.formatInternational(),
        number.getURI(),
        // In Argentina a mobile number has a 15 inside of it at home and a 9 before it abroad.
        ...(country === "AR" ? [] : [national]),
        `sip:${number.number}@192.0.2.44:5060`,
        `${number.formatInternational()} ext. 5`
      ]) {
        assert.strictEqual(DialledNumber.normalize(notation, code), number.number, `${country}: ${notation}`)
      }
    }
  })

  it("knows what is dialled to get out of a country", () => {
    for (const from of abroad) {
      const code: string = exampleOf(from).countryCallingCode
      for (const { country, number } of countries) {
        if (number.countryCallingCode === code) continue
        const dialled = number.format("IDD", { fromCountry: from })
        assert.strictEqual(DialledNumber.normalize(dialled, code), number.number, `${country} from ${from}: ${dialled}`)
      }
    }
  })

  it("joins the same number in Italy, where its 0 is a part of it, and elsewhere, where it is dialled only at home", () => {
    for (const [code, one, other] of [
      ["39", "06 5685 1242", "+39 06 5685 1242"],
      ["39", "0039 06 5685 1242", "+390656851242"],
      ["49", "030 1234567", "+49 (0)30 1234567"],
      ["49", "030 1234567", "+49 030 1234567"],
      ["7", "8 (495) 123-45-67", "+7 495 123-45-67"],
      ["7", "8~10 49 30 1234567".replace("~", ""), "+49 30 1234567"],
      ["36", "06 1 234 5678", "+36 1 234 5678"],
      ["1", "1 415 555 0123", "(415) 555-0123"],
      ["61", "0011 49 30 1234567", "+49301234567"],
      ["81", "010 49 30 1234567", "+49301234567"],
      ["225", "01 23 45 67 89", "+225 01 23 45 67 89"],
      ["44", "%2B44%207911%20123456", "07911 123456"],
      ["44", "+４４ ７９１１ １２３４５６", "07911 123456"]
    ] as const) {
      assert.strictEqual(DialledNumber.normalize(one, code), DialledNumber.normalize(other, code), `${one} = ${other}`)
    }
  })

  it("takes the number out of what is around it", () => {
    for (const [given, number] of [
      ["sip:+14155550123@54.172.60.0:5060", "+14155550123"],
      ["sips:+14155550123;npdi@example.com;user=phone", "+14155550123"],
      ['"Jane 42" <sip:+14155550123@pbx.example>', "+14155550123"],
      ["sip:%2B14155550123@example.com", "+14155550123"],
      ["tel:+1-415-555-0123;ext=5", "+14155550123"],
      ["tel:555-0123;phone-context=+1415", "+14155550123"],
      ["whatsapp:+14155550123", "+14155550123"],
      ["+14155550123@203.0.113.9", "+14155550123"],
      ["+1 415 555 0123 ext. 5", "+14155550123"],
      ["+1 415 555 0123x5", "+14155550123"],
      ["+14155550123,,5#", "+14155550123"],
      ["+7 495 123-45-67 доб. 5", "+74951234567"],
      ["sip:1001@203.0.113.9", "1001"],
      ["sip:anonymous@203.0.113.9:5060", ""]
    ] as const) {
      assert.strictEqual(DialledNumber.normalize(given, undefined), number, given)
    }
  })
})
