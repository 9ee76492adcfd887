// Buttons that copy a hash or an address whole. Without a clipboard (an insecure page) they stay hidden.
for (const button of navigator.clipboard ? document.querySelectorAll("[data-copy]") : []) {
  const word = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = word; }, 2000);
  });
}
