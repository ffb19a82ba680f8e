for (const box of document.querySelectorAll('.slider')) {
  const frames = [...box.querySelectorAll('.frame')], label = box.querySelector('output');
  const show = (event) => {
    const chosen = event ? Number(event.target.value) : 0;
    frames.forEach((frame, index) => { frame.hidden = index !== chosen; });
    label.textContent = frames[chosen].dataset.label;
    box.querySelector('input').setAttribute('aria-valuetext', frames[chosen].dataset.label);
  };
  box.querySelector('input').addEventListener('input', show);
  show();
}
