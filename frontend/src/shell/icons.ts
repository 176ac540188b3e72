// Line icons, 24 × 24, in the colour of the text around them.

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  download: ["M12 4v11", "m7.5 10.5 4.5 4.5 4.5-4.5", "M5 20h14"],
  link: ["M10 14a4 4 0 0 0 5.7 0l3.1-3.1a4 4 0 0 0-5.7-5.7L12 6.3", "M14 10a4 4 0 0 0-5.7 0l-3.1 3.1a4 4 0 0 0 5.7 5.7l1.1-1.1"],
  check: ["m5 12.5 4.5 4.5L19 7.5"],
  warning: ["M12 8v5", "M12 16.5v.5", "M12 3.5 2.8 19.5h18.4z"],
  close: ["M6 6l12 12", "M18 6 6 18"],
  light: ["M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8", "M12 2.5v2", "M12 19.5v2", "M2.5 12h2", "M19.5 12h2", "m5.3 5.3 1.4 1.4", "m17.3 17.3 1.4 1.4", "m18.7 5.3-1.4 1.4", "m6.7 17.3-1.4 1.4"],
  dark: ["M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.500 10.500z"],
  system: ["M4 5h16v11H4z", "M9 20h6", "M12 16v4"],
  help: ["M9 9.2a3 3 0 1 1 4.3 2.7c-.9.5-1.3 1-1.3 2", "M12 17.2v.3"],
  down: ["m7 10 5 5 5-5"],
  photo: ["M4 5h16v14H4z", "m4 16 4.500-4.500 4 4 2.500-2.500 5 5", "M15.500 8.800v.4"],
} as const;

export type IconName = keyof typeof PATHS;

export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  const given = { viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": "1.75", "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true" };
  for (const [key, value] of Object.entries(given)) svg.setAttribute(key, value);
  for (const d of PATHS[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}
