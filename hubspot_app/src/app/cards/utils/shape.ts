/** Reading JSON of unknown origin: each function gives the value in the wanted shape, or says that it is another. */

export type Json = Record<string, unknown>;

/** Thrown inside a decoder only; decode() turns it into null. */
class Misshapen extends Error {}

export const decode =
  <T>(read: (value: Json) => T) =>
  (value: unknown): T | null => {
    try {
      return read(object(value));
    } catch (error) {
      if (error instanceof Misshapen) {
        return null;
      }
      throw error;
    }
  };

export const object = (value: unknown): Json => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Misshapen();
  }
  return value as Json;
};

export const list = <T>(value: unknown, read: (one: unknown) => T): T[] => {
  if (!Array.isArray(value)) {
    throw new Misshapen();
  }
  return value.map(read);
};

export const optional = <T>(value: unknown, read: (value: unknown) => T): T | null =>
  value === null || value === undefined ? null : read(value);

export const text = (value: unknown): string => {
  if (typeof value !== 'string') {
    throw new Misshapen();
  }
  return value;
};

/** A text that says something; an empty one counts as none. */
export const maybeText = (value: unknown): string | null => optional(value, text)?.trim() || null;

export const bool = (value: unknown): boolean => {
  if (typeof value !== 'boolean') {
    throw new Misshapen();
  }
  return value;
};

export const count = (value: unknown): number => {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw new Misshapen();
  }
  return value;
};

export const moment = (value: unknown): string => {
  const found = text(value);
  if (!/^\d{4}-\d\d-\d\dT/.test(found) || Number.isNaN(Date.parse(found))) {
    throw new Misshapen();
  }
  return found;
};

export const maybeMoment = (value: unknown): string | null => optional(value, moment);

export const word = <T extends string>(value: unknown, known: readonly T[]): T => {
  const found = known.find((one) => one === value);
  if (found === undefined) {
    throw new Misshapen();
  }
  return found;
};

/** An address to click on; only https, and only where `fits` says so. */
export const webAddress = (value: unknown, fits: (url: URL) => boolean): string => {
  const found = text(value);
  let url: URL;
  try {
    url = new URL(found);
  } catch {
    throw new Misshapen();
  }
  if (url.protocol !== 'https:' || url.username !== '' || url.password !== '' || !fits(url)) {
    throw new Misshapen();
  }
  return found;
};
