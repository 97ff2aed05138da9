/**
 * The simulated part's temperature: one thermal resistance and one capacitance, heated by what the chip
 * computes. It influences nothing; it is recorded with every measurement, as on a real device.
 */

export interface Thermometer {
  celsius(): number;
  /** The chip has been busy for so long. */
  work(microseconds: number): void;
}

const AMBIENT_CELSIUS = 25;
/** Assumed for a phone's accelerator under load, case to ambient: 3 W over 8 K/W settle 24 K above ambient. */
const LOAD_WATTS = 3;
const RESISTANCE_KELVIN_PER_WATT = 8;
/** Assumed: the silicon and its spreader follow a load within a fifth of a second. */
const TIME_CONSTANT_MICROSECONDS = 200_000;

export function simulatedThermometer(): Thermometer {
  let aboveAmbient = 0;
  return {
    celsius: () => AMBIENT_CELSIUS + aboveAmbient,
    work: (microseconds) => {
      const settled = LOAD_WATTS * RESISTANCE_KELVIN_PER_WATT;
      const share = microseconds / (TIME_CONSTANT_MICROSECONDS + microseconds);
      aboveAmbient += (settled - aboveAmbient) * share;
    },
  };
}
